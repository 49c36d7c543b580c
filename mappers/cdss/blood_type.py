"""Observation, from a patient's blood type. Who found it, when and how isn't recorded, nor is its status."""

from __future__ import annotations

from mappers.cdss import links
from mappers.cdss.tables import emr_patientcache
from mappers.mapping import Element, Id, Part, SqlSource
from mappers.sql import filled
from mappers.values import Choice, Concept, Fixed, Instant, MappedCoding, Str, concept
from terminology.code_map import CodeMap
from terminology.systems import LOINC, OBSERVATION_CATEGORY

P = emr_patientcache.c

BLOOD_TYPE = Part(
    Id("blood-", P.patient_id),
    SqlSource(emr_patientcache, where=filled(P.blood_type)),
    (
        Element("status", Fixed("unknown")),
        Element("category[]", Fixed(concept(OBSERVATION_CATEGORY, "laboratory", "Laboratory"))),
        Element("code", Fixed(concept(LOINC, "882-1", text="ABO and Rh group"))),
        Element("subject", links.patient(P.patient_id)),
        Element(
            "value[x]",
            Choice(
                Concept(MappedCoding(P.blood_type, CodeMap.load("cdss_blood_type")), text=Str(P.blood_type))
            ),
        ),
    ),
    last_updated=Instant(P.updated_at),
    comment="The blood type in a patient's record: of unknown status, since nothing says how it was found.",
)
