"""DiagnosticReport, from OpenEMR's reports on an order's line: each of them, not only the last."""

from __future__ import annotations

from sqlalchemy import and_, func

from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.openemr import links
from mappers.openemr.procedure_order import PREFIX as ORDER_PREFIX
from mappers.openemr.procedure_order import READ_ONLY, Line, laboratory
from mappers.openemr.tables import procedure_order, procedure_order_code, procedure_report, procedure_result
from mappers.order_profiles import KR_LABORATORY_REPORT
from mappers.values import (
    Backbone,
    Children,
    Choice,
    Code,
    DayOrInstant,
    FirstOf,
    Fixed,
    Identifier,
    NumberIdentifier,
    ReferenceTo,
    Route,
    Str,
    UuidIdentifier,
    When,
    Zoned,
    concept,
    needed,
    word_is,
)
from terminology.code_map import CodeMap
from terminology.systems import DATA_ABSENT_REASON, V2_DIAGNOSTIC_SERVICE, local_identifier

PREFIX = "oe-rep-"
RESULT_PREFIX = "oe-res-"
UNKNOWN = concept(DATA_ABSENT_REASON, "unknown", "Unknown")

R = procedure_report.c
ORDER, LINE = procedure_order.alias("order_of_report"), procedure_order_code.alias("line_of_report")
RESULT = procedure_result.alias("result_of_report")
O = ORDER.c  # noqa: E741 - as the other tables' initials

# the line says what kind it is; older ones leave it to the order
KIND = func.coalesce(func.nullif(LINE.c.procedure_order_title, ""), O.procedure_order_type)
COLLECTED = FirstOf(Zoned(R.date_collected, R.date_collected_tz), DayOrInstant(O.date_collected))


def _category(kind: str, code: str, display: str) -> When:
    return When(*word_is(KIND, kind), Fixed(concept(V2_DIAGNOSTIC_SERVICE, code, display)))


PROCEDURE_REPORT = Part(
    Id(PREFIX, R.procedure_report_id),
    SqlSource(
        procedure_report,
        (
            Join(ORDER, O.procedure_order_id == R.procedure_order_id),
            Join(
                LINE,
                and_(
                    LINE.c.procedure_order_id == R.procedure_order_id,
                    LINE.c.procedure_order_seq == R.procedure_order_seq,
                ),
            ),
        ),
        where=func.coalesce(O.activity, 1) != 0,
    ),
    (
        Element("identifier[]", UuidIdentifier(R.uuid)),
        Element(
            "identifier[]", NumberIdentifier(local_identifier("openemr-report-id"), R.procedure_report_id)
        ),
        Element(
            "basedOn[]",
            ReferenceTo(
                "ServiceRequest", Route(R.procedure_order_id, Id(ORDER_PREFIX, O.procedure_order_id))
            ),
        ),
        Element("status", Code(R.report_status, CodeMap.load("openemr_report_status"), otherwise="unknown")),
        Element("category[]", _category("laboratory_test", "LAB", "Laboratory")),
        Element("category[]", _category("imaging", "IMG", "Diagnostic Imaging")),
        Element("code", FirstOf(Line(LINE, ORDER), Fixed(UNKNOWN))),
        Element("subject", needed(links.patient(O.patient_id))),
        Element("encounter", links.encounter(O.encounter_id, O.patient_id)),
        Element("effective[x]", Choice(COLLECTED)),
        Element("issued", Zoned(R.date_report, R.date_report_tz)),
        Element("performer[]", laboratory(O.lab_id)),
        Element(
            "specimen[]",
            Backbone(
                Element(
                    "identifier", Identifier(local_identifier("openemr-specimen-number"), R.specimen_num)
                ),
                Element("display", Str(O.specimen_type)),
            ),
        ),
        Element(
            "result[]",
            Children(
                RESULT,
                R.procedure_report_id,
                RESULT.c.procedure_report_id,
                ReferenceTo("Observation", Id(RESULT_PREFIX, RESULT.c.procedure_result_id)),
                order=(RESULT.c.procedure_result_id,),
            ),
        ),
        Element("conclusion", Str(R.report_notes)),
    ),
    last_updated=Zoned(R.date_report, R.date_report_tz),
    profiles=(KR_LABORATORY_REPORT,),
    read_only_because=READ_ONLY,
    comment="Each report on a line of an order that isn't deleted.",
)
