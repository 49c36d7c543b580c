"""Encounter, from OpenEMR: visits that no CDSS row is linked to, and what a visit adds to the CDSS's own.

There is no status column: a visit that has an end is finished, of any other nobody knows.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import FromClause, and_, exists, func, select

from mappers.cdss.tables import emr_encounter, emr_patientcache
from mappers.mapping import Element, Id, Join, Part, Profile, SqlSource
from mappers.openemr import links
from mappers.openemr.issues import problems_of
from mappers.openemr.staff import READ_ONLY
from mappers.openemr.tables import form_encounter, list_options, openemr_postcalendar_categories
from mappers.profiles import kr_encounter
from mappers.sql import Condition
from mappers.values import (
    Backbone,
    Coded,
    Concept,
    DayOrInstant,
    FirstOf,
    Fixed,
    Identifier,
    Instant,
    ListCodings,
    MappedCoding,
    NumberIdentifier,
    Period,
    SecurityLabel,
    Str,
    UuidIdentifier,
    When,
    concept,
    needed,
    there_is,
)
from terminology.code_map import CodeMap
from terminology.systems import (
    KR_CORE,
    V3_NULL_FLAVOR,
    V3_PARTICIPATION_TYPE,
    local_identifier,
    local_system,
)

NO_CLASS = {"system": V3_NULL_FLAVOR, "code": "UNK", "display": "unknown"}
KR_ENCOUNTER = (Profile(f"{KR_CORE}/StructureDefinition/krcore-encounter", kr_encounter),)


def sensitivity(visit: FromClause) -> SecurityLabel:
    """The label of a visit; one that the hospital invented counts as restricted."""
    return SecurityLabel(visit.c.sensitivity, CodeMap.load("openemr_sensitivity"), unknown="R")


def visit_class(visit: FromClause) -> MappedCoding:
    """ActEncounterCode of a visit; UNK where the word is none."""
    return MappedCoding(visit.c.class_code, CodeMap.load("openemr_encounter_class"), otherwise=NO_CLASS)


def participant(kind: dict[str, Any], individual: Any) -> Element:
    """One who took part, as what."""
    return Element(
        "participant[]",
        Backbone(Element("type[]", Fixed(kind)), Element("individual", individual), needs=("individual",)),
    )


def participation(code: str, display: str) -> dict[str, Any]:
    """A participation's concept."""
    return concept(V3_PARTICIPATION_TYPE, code, display)


def _identifiers(visit: FromClause) -> tuple[Element, ...]:
    c = visit.c
    return (
        Element("identifier[]", UuidIdentifier(c.uuid)),
        Element("identifier[]", NumberIdentifier(local_identifier("openemr-encounter"), c.encounter)),
        Element("identifier[]", Identifier(local_identifier("openemr-external-id"), c.external_id)),
    )


def _types(visit: FromClause) -> tuple[Element, ...]:
    """The calendar's category, and the type that was chosen from a list or as a code."""
    c = visit.c
    category, kind = openemr_postcalendar_categories.alias("category"), list_options.alias("visit_type")
    category_join = Join(category, category.c.pc_catid == c.pc_catid)
    kind_join = Join(
        kind, and_(kind.c.list_id == "encounter-types", kind.c.option_id == c.encounter_type_code)
    )
    systems = CodeMap.load("openemr_code_systems")
    by_category = Concept(
        Coded(local_system("openemr-visit-category"), category.c.pc_constant_id), text=category.c.pc_catname
    )
    by_category.joins = (category_join,)
    by_code = Concept(
        ListCodings(c.encounter_type_code, systems),
        text=FirstOf(Str(c.encounter_type_description), Str(kind.c.title), Str(c.encounter_type_code)),
    )
    by_code.joins = (kind_join,)
    return Element("type[]", by_category), Element("type[]", by_code)


def visit_elements(visit: FromClause) -> tuple[Element, ...]:
    """What stands beside the CDSS's visit as well."""
    c = visit.c
    disposition = CodeMap.load("openemr_discharge_disposition")
    return (
        *_identifiers(visit),
        *_types(visit),
        participant(participation("REF", "referrer"), links.practitioner(c.referring_provider_id)),
        participant({"text": "supervisor"}, links.practitioner(c.supervisor_id)),
        participant({"text": "ordering provider"}, links.practitioner(c.ordering_provider_id)),
        Element("diagnosis[]", problems_of(visit)),
        Element(
            "hospitalization.dischargeDisposition",
            Concept(MappedCoding(c.discharge_disposition, disposition), text=Str(c.discharge_disposition)),
        ),
        Element(
            "location[]",
            Backbone(Element("location", links.location(c.facility_id)), needs=("location",)),
        ),
        Element("serviceProvider", links.organization(c.facility_id)),
        Element("partOf", links.encounter(c.parent_encounter_id, c.pid)),
    )


def first_visit(visit: FromClause) -> Condition:
    """The form_encounter row that a CDSS visit is linked to: the first of its patient and number."""
    twin, patient = form_encounter.alias("linked_visit"), emr_patientcache.alias("linked_patient")
    first = (
        select(func.min(twin.c.id))
        .select_from(twin.join(patient, patient.c.openemr_pid == twin.c.pid))
        .where(
            patient.c.patient_id == emr_encounter.c.patient_id,
            twin.c.encounter == emr_encounter.c.openemr_encounter,
            twin.c.encounter > 0,
            ~links.is_deleted(twin),
        )
        .correlate_except(twin, patient)
    )
    return visit.c.id == first.scalar_subquery()


FE = form_encounter.c
_OURS, _PATIENT = emr_encounter.alias("our_visit"), emr_patientcache.alias("our_patient")
_LINKED = (
    exists()
    .where(
        _PATIENT.c.openemr_pid == FE.pid,
        _OURS.c.patient_id == _PATIENT.c.patient_id,
        _OURS.c.openemr_encounter == FE.encounter,
        FE.encounter > 0,
    )
    .correlate_except(_OURS, _PATIENT)
)

OPENEMR_ENCOUNTER = Part(
    Id(links.ENCOUNTER_PREFIX, FE.id),
    SqlSource(form_encounter, where=and_(~_LINKED, ~links.is_deleted(form_encounter))),
    (
        Element(
            "status",
            FirstOf(When(*there_is(Instant(FE.date_end)), Fixed("finished")), Fixed("unknown")),
        ),
        Element("class", visit_class(form_encounter)),
        Element("subject", needed(links.patient(FE.pid))),
        participant(participation("PPRF", "primary performer"), links.practitioner(FE.provider_id)),
        Element("period", Period(DayOrInstant(FE.date), DayOrInstant(FE.date_end))),
        Element("reasonCode[]", Concept(text=FE.reason)),
        *visit_elements(form_encounter),
    ),
    last_updated=Instant(FE.last_update),
    profiles=KR_ENCOUNTER,
    security=sensitivity(form_encounter),
    read_only_because=READ_ONLY,
    comment="OpenEMR's visits that no CDSS row is linked to; its sensitivity is the security label.",
)
