"""DiagnosticReport, from a laboratory order that has results: what is known of it so far."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, or_, select
from sqlalchemy.types import String

from mappers.cdss import links
from mappers.cdss.order_items import CODE
from mappers.cdss.tables import lis_labresult, lis_specimen, ocs_order
from mappers.mapping import Element, Id, Part, SqlSource
from mappers.order_profiles import KR_LABORATORY_REPORT
from mappers.sql import one_of, word
from mappers.values import (
    Children,
    Choice,
    FirstOf,
    Fixed,
    Identifier,
    Instant,
    ReferenceTo,
    Stated,
    When,
    concept,
    needed,
    there_is,
    unless,
)
from terminology.systems import LOINC, V2_DIAGNOSTIC_SERVICE, local_identifier

PREFIX = "labrep-"
STATUS_SYSTEM = "http://hl7.org/fhir/diagnostic-report-status"

O = ocs_order.c  # noqa: E741 - as the other tables' initials
RESULT, ANY = lis_labresult.alias("result_of_report"), lis_labresult.alias("any_result")
SPECIMEN = lis_specimen.alias("specimen_of_report")


def _some(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """The order has a result that fulfils the conditions."""
    return exists().where(ANY.c.order_id == O.order_id, *conditions).correlate_except(ANY)


def _status_is(*words: str) -> ColumnElement[bool]:
    return one_of(word(ANY.c.status), words)


def _status() -> ColumnElement[str]:
    """The report's status by its results': cancelled ones count only if there are no others."""
    known = _status_is("preliminary", "final", "corrected", "cancelled")
    verified = _status_is("final", "corrected")
    awaited = one_of(word(O.status), ["draft", "ordered", "in_progress"])
    return case(
        (~_some(or_(ANY.c.status.is_(None), ~_status_is("cancelled"))), literal("cancelled", String)),
        (_some(or_(ANY.c.status.is_(None), ~known)), "unknown"),
        (and_(_some(_status_is("preliminary")), ~_some(verified)), "preliminary"),
        (or_(_some(_status_is("preliminary")), awaited), "partial"),
        (_some(_status_is("corrected")), "corrected"),
        else_="final",
    )


def _over_results(value: ColumnElement[str]) -> ColumnElement[str]:
    return select(value).where(ANY.c.order_id == O.order_id).correlate_except(ANY).scalar_subquery()


STATUS = Stated(
    _status(), STATUS_SYSTEM, "cancelled", "unknown", "preliminary", "partial", "corrected", "final"
)
TAKEN = (
    select(func.min(SPECIMEN.c.collected_at))
    .where(SPECIMEN.c.order_id == O.order_id)
    .correlate_except(SPECIMEN)
    .scalar_subquery()
)
USED = exists().where(ANY.c.specimen_id == SPECIMEN.c.specimen_id, ANY.c.order_id == SPECIMEN.c.order_id)

LABORATORY_REPORT = Part(
    Id(PREFIX, O.order_id),
    SqlSource(ocs_order, where=and_(~links.is_prescription(ocs_order), _some())),
    (
        Element("identifier[]", Identifier(local_identifier("order-id"), O.order_id)),
        Element("basedOn[]", ReferenceTo("ServiceRequest", Id("", O.order_id))),
        Element("status", STATUS),
        Element("category[]", Fixed(concept(V2_DIAGNOSTIC_SERVICE, "LAB", "Laboratory"))),
        Element("code", CODE),
        Element("code", When(*unless(there_is(CODE)), Fixed(concept(LOINC, "11502-2", "Laboratory report")))),
        Element("subject", needed(links.patient(O.patient_id))),
        Element("encounter", links.encounter(O.encounter_id)),
        Element("effective[x]", Choice(Instant(TAKEN))),
        Element(
            "issued",
            FirstOf(
                Instant(_over_results(func.max(ANY.c.verified_at))),
                Instant(_over_results(func.max(ANY.c.resulted_at))),
            ),
        ),
        Element(
            "specimen[]",
            Children(
                SPECIMEN,
                O.order_id,
                SPECIMEN.c.order_id,
                ReferenceTo("Specimen", Id("", SPECIMEN.c.specimen_id)),
                order=(SPECIMEN.c.specimen_id,),
                where=USED.correlate_except(ANY),
            ),
        ),
        Element(
            "result[]",
            Children(
                RESULT,
                O.order_id,
                RESULT.c.order_id,
                ReferenceTo("Observation", Id(links.LAB_PREFIX, RESULT.c.id)),
                order=(RESULT.c.id,),
            ),
        ),
    ),
    last_updated=Instant(O.updated_at),
    profiles=(KR_LABORATORY_REPORT,),
    comment="An order with laboratory results; its status follows from theirs.",
)
