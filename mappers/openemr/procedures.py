"""Procedure, from OpenEMR's surgeries and from its orders that are for procedures."""

from __future__ import annotations

from sqlalchemy import and_, case, func

from mappers.mapping import Element, Id, Part, SqlSource
from mappers.openemr import links
from mappers.openemr.issues import LINK, ONLY_LINK
from mappers.openemr.procedure_order import (
    CATEGORY,
    LINES_CODE,
    READ_ONLY,
    SYSTEMS,
    laboratory,
)
from mappers.openemr.procedure_order import PREFIX as ORDER_PREFIX
from mappers.openemr.procedure_report import PREFIX as REPORT_PREFIX
from mappers.openemr.tables import lists, procedure_order, procedure_report
from mappers.order_profiles import KR_PROCEDURE
from mappers.sql import one_of, word
from mappers.values import (
    Backbone,
    Children,
    Choice,
    Concept,
    DayOrInstant,
    Instant,
    ListCodings,
    ListConcepts,
    NumberIdentifier,
    ReferenceTo,
    Stated,
    Str,
    UuidIdentifier,
)
from mappers.values.time import EARLIEST
from terminology.systems import local_identifier

EVENT_STATUS = "http://hl7.org/fhir/event-status"

L = lists.c
_SURGERY = case(
    (one_of(word(L.verification), ["entered-in-error"]), "entered-in-error"),
    (and_(L.begdate >= EARLIEST, func.coalesce(L.activity, 1) != 0), "completed"),
    else_="unknown",
)

SURGERY = Part(
    Id("oe-surg-", L.id),
    SqlSource(lists, (ONLY_LINK,), where=one_of(word(L.type), ["surgery"])),
    (
        Element("identifier[]", UuidIdentifier(L.uuid)),
        Element("status", Stated(_SURGERY, EVENT_STATUS, "completed", "entered-in-error", "unknown")),
        Element("code", Concept(ListCodings(L.diagnosis, SYSTEMS), text=Str(L.title))),
        Element("subject", links.patient(L.pid)),
        Element("encounter", links.encounter(LINK.c.encounter, LINK.c.pid)),
        Element("performed[x]", Choice(DayOrInstant(L.begdate))),
        Element("recorder", links.author(L.user)),
        Element("note[]", Backbone(Element("text", Str(L.comments)))),
    ),
    last_updated=Instant(L.modifydate),
    profiles=(KR_PROCEDURE,),
    read_only_because=READ_ONLY,
    comment="A surgery of the issue list. Completed if it has a date and is active; else nobody knows.",
)

O = procedure_order.c  # noqa: E741 - as the other tables' initials
REPORT = procedure_report.alias("report_of_procedure")
_DONE = one_of(word(O.order_status), ["complete"])
#: kinds of orders that yield findings, shown as reports and observations, not something that was done
FINDINGS = ("laboratory_test", "risk_category", "patient_characteristics")

ORDERED_PROCEDURE = Part(
    Id("oe-proc-", O.procedure_order_id),
    SqlSource(
        procedure_order,
        where=and_(
            O.activity != 0,
            ~one_of(word(O.procedure_order_type), FINDINGS),
            one_of(word(O.order_status), ["complete", "canceled"]),
        ),
    ),
    (
        Element("identifier[]", NumberIdentifier(local_identifier("openemr-order-id"), O.procedure_order_id)),
        Element("basedOn[]", ReferenceTo("ServiceRequest", Id(ORDER_PREFIX, O.procedure_order_id))),
        Element(
            "status",
            Stated(case((_DONE, "completed"), else_="not-done"), EVENT_STATUS, "completed", "not-done"),
        ),
        Element("category", CATEGORY),
        Element("code", LINES_CODE),
        Element("subject", links.patient(O.patient_id)),
        Element("encounter", links.encounter(O.encounter_id, O.patient_id)),
        Element("performer[]", Backbone(Element("actor", laboratory(O.lab_id)))),
        Element("reasonCode[]", ListConcepts(O.order_diagnosis, SYSTEMS)),
        Element(
            "report[]",
            Children(
                REPORT,
                O.procedure_order_id,
                REPORT.c.procedure_order_id,
                ReferenceTo("DiagnosticReport", Id(REPORT_PREFIX, REPORT.c.procedure_report_id)),
                order=(REPORT.c.procedure_report_id,),
            ),
        ),
    ),
    last_updated=Instant(O.date_ordered),
    profiles=(KR_PROCEDURE,),
    read_only_because=READ_ONLY,
    comment="An order for no laboratory test, once it is complete or canceled; its date isn't recorded.",
)
