"""Observation, from the results of OpenEMR's laboratory reports."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import func

from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.openemr import links
from mappers.openemr.options import title_or_word
from mappers.openemr.procedure_order import PREFIX as ORDER_PREFIX
from mappers.openemr.procedure_order import READ_ONLY, SYSTEMS, laboratory
from mappers.openemr.procedure_report import RESULT_PREFIX, UNKNOWN
from mappers.openemr.tables import procedure_order, procedure_report, procedure_result
from mappers.order_profiles import KR_LABORATORY
from mappers.values import (
    Backbone,
    Choice,
    Code,
    Coded,
    Compared,
    Concept,
    DayOrInstant,
    Derived,
    FirstOf,
    Fixed,
    Instant,
    ListCodings,
    MappedCoding,
    Quantity,
    ReferenceTo,
    Route,
    Str,
    UuidIdentifier,
    When,
    Zoned,
    both,
    concept,
    looks_like,
    needed,
    there_is,
    unless,
    word_is,
)
from mappers.values.quantity import plain_number, unit_of
from terminology.code_map import CodeMap
from terminology.systems import DATA_ABSENT_REASON, LOINC, OBSERVATION_CATEGORY, local_system

LOCAL_RESULT = local_system("openemr-result")
_BETWEEN = re.compile(r"(\d+(?:\.\d+)?)\s*(?:-|–|~|to)\s*(\d+(?:\.\d+)?)")
_LIMIT = re.compile(r"(<=|≤|>=|≥)\s*(\d+(?:\.\d+)?)")

R = procedure_result.c
REPORT, ORDER = procedure_report.alias("report_of_result"), procedure_order.alias("order_of_result")
P, O = REPORT.c, ORDER.c  # noqa: E741 - as the other tables' initials

# no system is recorded: what has LOINC's form is LOINC's, anything else without a prefix the laboratory's own
BARE = func.trim(R.result_code)
CODE = Concept(
    When(*looks_like(BARE, "[0-9]{1,5}-[0-9]"), Coded(LOINC, BARE)),
    ListCodings(R.result_code, SYSTEMS),
    When(*looks_like(BARE, "[^: ]+( [^: ]+)*"), Coded(LOCAL_RESULT, BARE, R.result_text)),
    text=FirstOf(Str(R.result_text), Str(R.result_code)),
)

# "did not report" and "test not performed" stand where a value would
REPORTED = unless(word_is(R.result, "DNR", "TNP"))
LONG = both(word_is(R.result_data_type, "L"), there_is(Str(R.comments)))
VALUE = Choice(
    When(*LONG, Str(R.comments)),
    When(*REPORTED, Quantity(R.result, R.units, textual=True)),
    When(*REPORTED, Compared(R.result, R.units)),
    When(*REPORTED, Str(R.result)),
)
NOT_PERFORMED = Fixed(concept(DATA_ABSENT_REASON, "not-performed", "Not Performed"))


def reference_range(stored: dict[str, str]) -> dict[str, Any] | None:
    """`5.0-8.0`, `<= 200`: limits beside the text; any other text, `< 200` included, as it is.

    FHIR's limits belong to the range, so a text that excludes them has none.
    """
    text = stored.get("range")
    if not text:
        return None
    limits = {k: {"value": v, **unit_of(stored.get("units"))} for k, v in _limits(text).items()}
    return {**limits, "text": text}


def _limits(text: str) -> dict[str, Any]:
    if found := _BETWEEN.fullmatch(text):
        low, high = plain_number(found[1]), plain_number(found[2])
        return {"low": low, "high": high} if low is not None and high is not None and low <= high else {}
    if found := _LIMIT.fullmatch(text):
        return {"high" if found[1] in ("<=", "≤") else "low": plain_number(found[2])}
    return {}


LABORATORY = laboratory(O.lab_id)


def testing_site(said: dict[str, Any]) -> dict[str, str] | None:
    """Where the test was done, unless that is the laboratory that was asked."""
    site = said.get("site")
    return {"display": site} if site and site != said.get("lab", {}).get("display") else None


PROCEDURE_RESULT = Part(
    Id(RESULT_PREFIX, R.procedure_result_id),
    SqlSource(
        procedure_result,
        (
            Join(REPORT, P.procedure_report_id == R.procedure_report_id),
            Join(ORDER, O.procedure_order_id == P.procedure_order_id),
        ),
        where=func.coalesce(O.activity, 1) != 0,
    ),
    (
        Element("identifier[]", UuidIdentifier(R.uuid)),
        Element(
            "basedOn[]",
            ReferenceTo(
                "ServiceRequest", Route(P.procedure_order_id, Id(ORDER_PREFIX, O.procedure_order_id))
            ),
        ),
        Element("status", Code(R.result_status, CodeMap.load("openemr_result_status"), otherwise="unknown")),
        Element(
            "category[]",
            When(
                *word_is(O.procedure_order_type, "laboratory_test"),
                Fixed(concept(OBSERVATION_CATEGORY, "laboratory", "Laboratory")),
            ),
        ),
        Element(
            "category[]",
            When(
                *word_is(O.procedure_order_type, "imaging"),
                Fixed(concept(OBSERVATION_CATEGORY, "imaging", "Imaging")),
            ),
        ),
        Element("code", FirstOf(CODE, Fixed(UNKNOWN))),
        Element("subject", needed(links.patient(O.patient_id))),
        Element("encounter", links.encounter(O.encounter_id, O.patient_id)),
        Element(
            "effective[x]",
            Choice(
                FirstOf(
                    Zoned(P.date_collected, P.date_collected_tz),
                    DayOrInstant(O.date_collected),
                    Instant(R.date),
                )
            ),
        ),
        Element("issued", Zoned(P.date_report, P.date_report_tz)),
        Element("performer[]", LABORATORY),
        Element(
            "performer[]",
            Derived(
                Backbone(Element("site", Str(R.facility)), Element("lab", LABORATORY)),
                testing_site,
            ),
        ),
        Element("value[x]", VALUE),
        Element(
            "dataAbsentReason",
            FirstOf(
                When(*word_is(R.result, "TNP"), NOT_PERFORMED),
                When(*both(unless(there_is(VALUE)), word_is(R.result_status, "cancel")), NOT_PERFORMED),
                When(*unless(there_is(VALUE)), Fixed(UNKNOWN)),
            ),
        ),
        Element(
            "interpretation[]",
            FirstOf(
                Concept(MappedCoding(R.abnormal, CodeMap.load("openemr_abnormal"))),
                Concept(text=title_or_word("proc_res_abnormal", R.abnormal)),
            ),
        ),
        Element("note[]", When(*unless(LONG), Backbone(Element("text", Str(R.comments))))),
        Element(
            "referenceRange[]",
            Derived(
                Backbone(Element("range", Str(R.range)), Element("units", Str(R.units))), reference_range
            ),
        ),
    ),
    last_updated=FirstOf(Zoned(P.date_report, P.date_report_tz), Instant(R.date)),
    profiles=(KR_LABORATORY,),
    read_only_because=READ_ONLY,
    comment="One value of a report on an order that isn't deleted; numbers as they were written.",
)
