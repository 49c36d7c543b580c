"""Observation, from the laboratory's results."""

from __future__ import annotations

from mappers.cdss import links
from mappers.cdss.tables import lis_labresult, lis_labtestmaster
from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.values import (
    Backbone,
    Choice,
    Code,
    Coded,
    Compared,
    Concept,
    Fixed,
    Instant,
    MappedCoding,
    Quantity,
    ReferenceTo,
    Str,
    concept,
)
from terminology.code_map import CodeMap
from terminology.systems import LOINC, OBSERVATION_CATEGORY, local_system

LOCAL_TEST = local_system("lab-test")

R = lis_labresult.c
MASTER = lis_labtestmaster.alias("test")
T = MASTER.c

LAB_RESULT = Part(
    Id(links.LAB_PREFIX, R.id),
    SqlSource(lis_labresult, (Join(MASTER, T.test_code == R.test_code),)),
    (
        Element("basedOn[]", links.order(R.order_id)),
        Element("status", Code(R.status, CodeMap.load("cdss_result_status"), otherwise="unknown")),
        Element("category[]", Fixed(concept(OBSERVATION_CATEGORY, "laboratory", "Laboratory"))),
        Element(
            "code",
            Concept(Coded(LOINC, T.loinc_code, T.test_name), Coded(LOCAL_TEST, R.test_code, T.test_name)),
        ),
        Element("subject", links.patient(R.patient_id)),
        Element("effective[x]", Choice(Instant(R.resulted_at))),
        Element("issued", Instant(R.verified_at)),
        Element("performer[]", links.practitioner(R.performed_by)),
        Element(
            "value[x]",
            Choice(
                Quantity(R.value_numeric, R.unit, text=R.value),
                Compared(R.value, R.unit),
                Str(R.value),
            ),
        ),
        Element(
            "interpretation[]", Concept(MappedCoding(R.abnormal_flag, CodeMap.load("cdss_abnormal_flag")))
        ),
        Element("note[]", Backbone(Element("text", Str(R.comment)))),
        Element("specimen", ReferenceTo("Specimen", Id("", R.specimen_id))),
        Element(
            "referenceRange[]",
            Backbone(
                Element("low", Quantity(T.ref_range_min, T.unit)),
                Element("high", Quantity(T.ref_range_max, T.unit)),
            ),
        ),
    ),
    last_updated=Instant(R.updated_at),
    writable=True,
    comment="One laboratory value a row; the master adds LOINC, name and reference range.",
)
