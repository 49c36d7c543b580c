"""MedicationRequest, from OpenEMR's prescriptions and its list of medications.

A prescription with `medication` = 1 wrote a row of that list too: such a row isn't served again.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, select

from mappers import dosage
from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.openemr import links
from mappers.openemr.drugs import PREFIX as DRUG_PREFIX
from mappers.openemr.options import title_or_word
from mappers.openemr.procedure_order import READ_ONLY, SYSTEMS
from mappers.openemr.tables import drugs, lists, lists_medication, prescriptions
from mappers.order_profiles import KR_MEDICATION_REQUEST
from mappers.sql import one_of, word
from mappers.values import (
    Backbone,
    Choice,
    Code,
    Concept,
    Date,
    DayOrInstant,
    Derived,
    ExclusiveChoice,
    FirstOf,
    Fixed,
    Instant,
    ListCodings,
    MappedCoding,
    Number,
    Period,
    ReferenceTo,
    Route,
    Stated,
    Str,
    UuidIdentifier,
    When,
    concept,
    there_is,
    unless,
    word_is,
)
from mappers.values.time import EARLIEST
from terminology.code_map import CodeMap
from terminology.systems import DATA_ABSENT_REASON, RXNORM

STATUS_SYSTEM = "http://hl7.org/fhir/CodeSystem/medicationrequest-status"
STATUSES = ("completed", "stopped", "active", "unknown")
INTENT, USAGE = CodeMap.load("openemr_request_intent"), CodeMap.load("openemr_usage_category")
INTERVAL = "openemr_drug_interval"
NOT_STATED = Fixed(
    concept(DATA_ABSENT_REASON, "unknown", "Unknown", text="Medication not stated"), "CodeableConcept"
)

P = prescriptions.c
FORMULARY = drugs.alias("prescribed_drug")


def _over(end: ColumnElement[str]) -> ColumnElement[bool]:
    """An end that is a date, and past."""
    return and_(end >= EARLIEST, end < func.current_date())


def _usage(category: Any, title: Any) -> Concept:
    return Concept(MappedCoding(category, USAGE), text=FirstOf(Str(title), Str(category)))


def _dose(said: dict[str, Any]) -> dict[str, Any] | None:
    """doseAndRate of the dosage text; the unit is what the drug's form is counted in, if it is."""
    entry = CodeMap.load("openemr_drug_form_unit").to_fhir(said.get("form"))
    unit = {"unit": entry.display, "system": entry.system, "code": entry.code} if entry else {}
    return dosage.written_dose(said["dosage"], unit) if "dosage" in said else None


_ROUTE = Concept(
    MappedCoding(P.route, CodeMap.load("openemr_drug_route")),
    MappedCoding(P.route, CodeMap.load("openemr_drug_route_v2")),
    text=title_or_word("drug_route", P.route),
)
_SAID = Backbone(
    Element("words", Derived(Number(P.interval, zero_is_none=True), str)),
    Element("bounds", Period(Date(P.start_date), Date(P.end_date))),
    Element("dosage", Str(P.dosage)),
    Element("form", Derived(Number(P.form, zero_is_none=True), str)),
)
_DOSAGE = Backbone(
    Element("text", FirstOf(Str(P.drug_dosage_instructions), Str(P.dosage))),
    Element("timing", Derived(_SAID, partial(dosage.timing, INTERVAL))),
    Element(
        "asNeeded[x]",
        Choice(
            Concept(text=Str(P.prn)),
            Derived(
                Derived(Number(P.interval, zero_is_none=True), str),
                partial(dosage.as_needed, INTERVAL),
                fhir_type="Boolean",
            ),
        ),
    ),
    Element(
        "site",
        Concept(MappedCoding(P.route, CodeMap.load("openemr_route_site"))),
    ),
    Element("route", _ROUTE),
    Element("doseAndRate[]", Derived(_SAID, _dose)),
)
_DISPENSED = Backbone(
    Element("numberOfRepeatsAllowed", Derived(Number(P.refills), lambda n: n if n >= 0 else None)),
    Element("quantity", Derived(Str(P.quantity), dosage.amount)),
)
_STATUS = case(
    (and_(P.active == 1, _over(P.end_date)), "completed"),
    (P.active == 1, "active"),
    (P.active == 0, "stopped"),
    else_="unknown",
)
_BY_FORMULARY = ReferenceTo(
    "Medication",
    Route(P.drug_id, Id(DRUG_PREFIX, FORMULARY.c.drug_id), target="drug_id"),
    display=FirstOf(Str(P.drug), Str(FORMULARY.c.name)),
)
_BY_CODE = Concept(ListCodings(P.rxnorm_drugcode, SYSTEMS, default=RXNORM), text=Str(P.drug))

PRESCRIPTION = Part(
    Id("oe-rx-", P.id),
    SqlSource(prescriptions, (Join(FORMULARY, FORMULARY.c.drug_id == P.drug_id),)),
    (
        Element("identifier[]", UuidIdentifier(P.uuid)),
        Element("status", Stated(_STATUS, STATUS_SYSTEM, *STATUSES)),
        Element("intent", FirstOf(Code(P.request_intent, INTENT), Fixed("order"))),
        Element("category[]", _usage(P.usage_category, P.usage_category_title)),
        Element(
            "medication[x]",
            ExclusiveChoice(
                _BY_FORMULARY,
                When(*unless(there_is(_BY_FORMULARY)), _BY_CODE),
                When(*unless(there_is(FirstOf(_BY_FORMULARY, _BY_CODE))), NOT_STATED),
            ),
        ),
        Element("subject", links.patient(P.patient_id)),
        Element("encounter", links.encounter(P.encounter, P.patient_id)),
        Element("authoredOn", Instant(P.date_added)),
        Element("requester", links.practitioner(P.provider_id)),
        Element("reasonCode[]", Concept(text=Str(P.indication))),
        Element("note[]", Backbone(Element("text", Str(P.note)))),
        Element("dosageInstruction[]", _DOSAGE),
        Element("dispenseRequest", _DISPENSED),
        Element(
            "substitution.allowed[x]",
            Choice(
                When(*word_is(P.substitute, "1"), Fixed(True, "Boolean")),
                When(*word_is(P.substitute, "2"), Fixed(False, "Boolean")),
            ),
        ),
    ),
    last_updated=FirstOf(Instant(P.date_modified), Instant(P.date_added)),
    profiles=(KR_MEDICATION_REQUEST,),
    read_only_because=READ_ONLY,
    comment="A prescription; its drug is the formulary's where it names one.",
)

L = lists.c
DETAIL, TWIN = lists_medication.alias("medication_detail"), lists_medication.alias("medication_detail_first")
_FIRST = select(func.min(TWIN.c.id)).where(TWIN.c.list_id == L.id).correlate_except(TWIN)


def _prescribed() -> ColumnElement[bool]:
    """A prescription of the patient wrote this row."""
    rx = prescriptions.alias("written_by")
    found = exists().where(
        rx.c.patient_id == L.pid,
        rx.c.medication == 1,
        func.lower(func.trim(rx.c.drug)) == func.lower(func.trim(L.title)),
    )
    return found.correlate_except(rx)


_LISTED = case(
    (_over(L.enddate), "completed"),
    (L.activity == 0, "stopped"),
    else_="active",
)
_TAKEN = Backbone(Element("bounds", Period(DayOrInstant(L.begdate), DayOrInstant(L.enddate))))

LISTED_MEDICATION = Part(
    Id("oe-med-", L.id),
    SqlSource(
        lists,
        (Join(DETAIL, DETAIL.c.id == _FIRST.scalar_subquery(), needs=(lists,)),),
        where=and_(one_of(word(L.type), ["medication"]), ~_prescribed()),
    ),
    (
        Element("identifier[]", UuidIdentifier(L.uuid)),
        Element("status", Stated(_LISTED, STATUS_SYSTEM, *STATUSES)),
        Element("intent", FirstOf(Code(DETAIL.c.request_intent, INTENT), Fixed("plan"))),
        Element("category[]", _usage(DETAIL.c.usage_category, DETAIL.c.usage_category_title)),
        Element(
            "medication[x]",
            Choice(
                Concept(ListCodings(L.diagnosis, SYSTEMS), text=Str(L.title)),
                NOT_STATED,
            ),
        ),
        Element("subject", links.patient(L.pid)),
        Element("authoredOn", Instant(L.date)),
        Element("recorder", links.author(L.user)),
        Element("note[]", Backbone(Element("text", Str(L.comments)))),
        Element(
            "dosageInstruction[]",
            Backbone(
                Element("text", Str(DETAIL.c.drug_dosage_instructions)),
                Element("timing", Derived(_TAKEN, partial(dosage.timing, INTERVAL))),
            ),
        ),
    ),
    last_updated=Instant(L.modifydate),
    profiles=(KR_MEDICATION_REQUEST,),
    read_only_because=READ_ONLY,
    comment="A drug on the medication list that no prescription put there.",
)
