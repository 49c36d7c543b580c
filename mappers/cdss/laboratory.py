"""Observation, from the laboratory's results."""

from __future__ import annotations

from mappers.cdss import links
from mappers.cdss.meant import says_what_was_verified
from mappers.cdss.tables import lis_labresult, lis_labtestmaster
from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.order_profiles import KR_LABORATORY
from mappers.upkeep import Upkeep
from mappers.values import (
    Backbone,
    Choice,
    Code,
    Coded,
    Compared,
    Concept,
    Distinct,
    FirstOf,
    Fixed,
    Instant,
    MappedCoding,
    Quantity,
    ReferenceTo,
    Str,
    When,
    concept,
    needed,
    there_is,
    unless,
    word_is,
)
from terminology.code_map import CodeMap
from terminology.systems import DATA_ABSENT_REASON, LOINC, OBSERVATION_CATEGORY, local_system

LOCAL_TEST = local_system("lab-test")

R = lis_labresult.c
MASTER = lis_labtestmaster.alias("test")
T = MASTER.c
ORDER = links.placed(R.order_id)

CODE = Concept(
    Coded(LOINC, T.loinc_code),
    Coded(LOCAL_TEST, R.test_code, T.test_name),
    text=FirstOf(Str(T.test_name), Str(R.test_code)),
)
VALUE = Choice(Compared(R.value, R.unit), Quantity(R.value_numeric, R.unit, text=R.value), Str(R.value))
CANCELLED = word_is(R.status, "cancelled")
PERFORMERS = Distinct(links.practitioner(R.performed_by), links.practitioner(R.verified_by))

LAB_RESULT = Part(
    Id(links.LAB_PREFIX, R.id),
    SqlSource(
        lis_labresult,
        (Join(MASTER, T.test_code == R.test_code), ORDER),
    ),
    (
        Element("basedOn[]", links.order(R.order_id, ORDER)),
        Element("status", Code(R.status, CodeMap.load("cdss_result_status"), otherwise="unknown")),
        Element("category[]", Fixed(concept(OBSERVATION_CATEGORY, "laboratory", "Laboratory"))),
        Element("code", FirstOf(CODE, Fixed(concept(DATA_ABSENT_REASON, "unknown", "Unknown")))),
        Element("subject", needed(links.patient(R.patient_id))),
        Element("encounter", links.encounter(ORDER.table.c.encounter_id)),
        # its own time, which an index can order; when the specimen was taken is the Specimen's to say
        Element("effective[x]", Choice(Instant(R.resulted_at))),
        # that it was issued says nothing of its having been verified
        Element("issued", FirstOf(Instant(R.verified_at), Instant(R.resulted_at)), writes=False),
        Element("performer[]", PERFORMERS),
        Element("value[x]", VALUE),
        Element(
            "dataAbsentReason",
            When(
                *unless(there_is(VALUE)),
                FirstOf(
                    When(*CANCELLED, Fixed(concept(DATA_ABSENT_REASON, "not-performed", "Not Performed"))),
                    Fixed(concept(DATA_ABSENT_REASON, "unknown", "Unknown")),
                ),
            ),
        ),
        Element(
            "interpretation[]",
            FirstOf(
                Concept(MappedCoding(R.abnormal_flag, CodeMap.load("cdss_abnormal_flag"))),
                Concept(text=Str(R.abnormal_flag)),
            ),
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
    profiles=(KR_LABORATORY,),
    writable=True,
    upkeep=Upkeep(
        touched=(R.updated_at,),
        retired=(R.status, "cancelled"),
        states={
            "": ("preliminary", "final", "corrected", "cancelled"),
            "preliminary": ("final", "corrected", "cancelled"),
            "final": ("corrected", "cancelled"),
            "corrected": ("cancelled",),
        },
        rules=(says_what_was_verified,),
    ),
    comment="One laboratory value a row; the master adds LOINC, name and reference range.",
)
