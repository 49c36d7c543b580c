"""Encounter, from the CDSS's visits, with what OpenEMR's row says where `openemr_encounter` links one."""

from __future__ import annotations

from mappers.cdss import links
from mappers.cdss.condition import DIAGNOSIS_PREFIX
from mappers.cdss.tables import emr_encounter, ocs_diagnosis
from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.openemr.encounter import (
    KR_ENCOUNTER,
    NO_CLASS,
    first_visit,
    participant,
    participation,
    sensitivity,
    visit_elements,
)
from mappers.openemr.tables import form_encounter
from mappers.upkeep import NOW, Upkeep
from mappers.values import (
    Backbone,
    Children,
    Code,
    Coded,
    Concept,
    Identifier,
    Instant,
    Joined,
    MappedCoding,
    Period,
    ReferenceTo,
)
from terminology.code_map import CodeMap
from terminology.systems import V2_IDENTIFIER_TYPE, local_identifier, local_system

VISIT_NUMBER = (V2_IDENTIFIER_TYPE, "VN", "Visit number")

E = emr_encounter.c
VISIT = form_encounter.alias("visit")
DIAGNOSIS = ocs_diagnosis.alias("diagnosis")
D = DIAGNOSIS.c

CDSS_ENCOUNTER = Part(
    Id("", E.encounter_id),
    SqlSource(emr_encounter, (Join(VISIT, first_visit(VISIT)),)),
    (
        Element(
            "identifier[]", Identifier(local_identifier("encounter-id"), E.encounter_id, type=VISIT_NUMBER)
        ),
        Element("status", Code(E.status, CodeMap.load("cdss_encounter_status"), otherwise="unknown")),
        Element(
            "class",
            MappedCoding(E.encounter_type, CodeMap.load("cdss_encounter_class"), otherwise=NO_CLASS),
        ),
        Element(
            "type[]", Concept(Coded(local_system("encounter-type"), E.encounter_type), text=E.encounter_type)
        ),
        Element(
            "serviceType",
            Concept(MappedCoding(E.department, CodeMap.load("cdss_department")), text=E.department),
        ),
        Element("subject", links.patient(E.patient_id)),
        participant(participation("ATND", "attender"), links.practitioner(E.doctor_id)),
        Element("period", Period(Instant(E.started_at), Instant(E.ended_at))),
        Element("reasonCode[]", Concept(text=E.chief_complaint)),
        Element(
            "diagnosis[]",
            Children(
                DIAGNOSIS,
                E.encounter_id,
                D.encounter_id,
                Backbone(
                    Element("condition", ReferenceTo("Condition", Id(DIAGNOSIS_PREFIX, D.id))),
                    Element(
                        "use",
                        Concept(
                            MappedCoding(D.diag_type, CodeMap.load("cdss_diagnosis_use")), text=D.diag_type
                        ),
                    ),
                ),
                order=(D.id,),
            ),
        ),
        Element(
            "location[]", Backbone(Element("location", Backbone(Element("display", Joined(E.ward, E.bed)))))
        ),
        *visit_elements(VISIT),
    ),
    last_updated=Instant(E.updated_at),
    profiles=KR_ENCOUNTER,
    security=sensitivity(VISIT),
    writable=True,
    upkeep=Upkeep(
        "E-{year}-",
        new={E.created_at: NOW},
        touched=(E.updated_at,),
        retired=(E.status, "cancelled"),
        states={
            "": ("planned", "in-progress", "finished", "cancelled"),
            "planned": ("in-progress", "finished", "cancelled"),
            "in-progress": ("finished", "cancelled"),
        },
    ),
    comment="A visit of the CDSS; ward and bed are text, for no table holds them.",
)
