"""ServiceRequest, from OpenEMR's orders of laboratory tests, images and procedures."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, exists, func, select

from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.openemr import links
from mappers.openemr.options import title_or_word
from mappers.openemr.organizations import LABORATORY_PREFIX
from mappers.openemr.tables import procedure_order, procedure_order_code, procedure_providers, procedure_type
from mappers.order_items import one_or_joined, several
from mappers.sql import any_of, filled
from mappers.value import no_value
from mappers.values import (
    Backbone,
    Children,
    Code,
    Coded,
    Concept,
    DayOrInstant,
    FirstOf,
    Fixed,
    Instant,
    ListCodings,
    ListConcepts,
    MappedCoding,
    NumberIdentifier,
    OneOrJoined,
    Reduced,
    ReferenceTo,
    Route,
    Str,
    UuidIdentifier,
    When,
)
from terminology.code_map import CodeMap
from terminology.systems import LOINC, local_identifier, local_system

PREFIX = "oe-order-"
LOCAL_LINE = local_system("openemr-procedure")
SYSTEMS = CodeMap.load("openemr_code_systems")
READ_ONLY = "OpenEMR's tables are read only"

O = procedure_order.c  # noqa: E741 - as the other tables' initials
LINE, PLACED = procedure_order_code.alias("order_line"), procedure_order.alias("order_of_line")
TWIN = procedure_order_code.alias("other_line")


class Line(Concept):
    """What a line asks for: the compendium's standard code, the line's own code and its name.

    `line` and `order` are in the FROM already. The compendium may hold a code for several laboratories, and
    more than once: the first row of the order's laboratory counts.
    """

    def __init__(self, line: FromClause, order: FromClause) -> None:
        kind = self.kind = procedure_type.alias(f"kind_of_{line.name}")  # type: ignore[attr-defined]
        twin = procedure_type.alias(f"kind_of_{line.name}_first")  # type: ignore[attr-defined]
        first = select(func.min(twin.c.procedure_type_id)).where(
            twin.c.procedure_code == line.c.procedure_code,
            twin.c.procedure_code != "",
            twin.c.procedure_type == "ord",
            twin.c.lab_id == order.c.lab_id,
        )
        super().__init__(
            ListCodings(kind.c.standard_code, SYSTEMS, default=LOINC),
            ListCodings(line.c.procedure_code, SYSTEMS, default=LOCAL_LINE),
            text=FirstOf(Str(line.c.procedure_name), Str(kind.c.name), Str(line.c.procedure_code)),
        )
        found = kind.c.procedure_type_id == first.correlate_except(twin).scalar_subquery()
        self.joins = (Join(kind, found, needs=(line, order)),)


class _Placed(Line):
    """A line's concept with the join to its order."""

    def __init__(self) -> None:
        super().__init__(LINE, PLACED)
        order = Join(PLACED, PLACED.c.procedure_order_id == LINE.c.procedure_order_id)
        self.joins = (order, *self.joins)


LINE_CONCEPT = _Placed()
_ANOTHER = (
    exists()
    .where(TWIN.c.procedure_order_id == LINE.c.procedure_order_id)
    .where(TWIN.c.procedure_order_seq != LINE.c.procedure_order_seq)
    .where(any_of(filled(TWIN.c.procedure_code), filled(TWIN.c.procedure_name)))
    .correlate_except(TWIN)
)
LINES = Children(
    LINE,
    O.procedure_order_id,
    LINE.c.procedure_order_id,
    Backbone(Element("concept", LINE_CONCEPT)),
    order=(LINE.c.procedure_order_seq,),
)
LINES_DETAIL = Reduced(LINES, several, When(_ANOTHER, lambda columns: no_value, LINE_CONCEPT))
LINES_CODE = OneOrJoined(
    LINES,
    one_or_joined,
    LINE_CONCEPT,
    _ANOTHER,
    (LINE.c.procedure_name, LINE_CONCEPT.kind.c.name, LINE.c.procedure_code),
)


def laboratory(lab_id: ColumnElement[int]) -> ReferenceTo:
    """The laboratory (or other recipient) of an order."""
    lab = procedure_providers.alias("laboratory")
    route = Route(lab_id, Id(LABORATORY_PREFIX, lab.c.ppid), target="ppid")
    return ReferenceTo(
        "Organization", route, display=Str(lab.c.name), joins=(Join(lab, lab.c.ppid == lab_id),)
    )


CATEGORY = Concept(
    MappedCoding(O.procedure_order_type, CodeMap.load("openemr_order_category")),
    Coded(local_system("openemr-order-type"), O.procedure_order_type),
    text=title_or_word("order_type", O.procedure_order_type),
)

PROCEDURE_ORDER = Part(
    Id(PREFIX, O.procedure_order_id),
    SqlSource(procedure_order, where=O.activity != 0),
    (
        Element("identifier[]", UuidIdentifier(O.uuid)),
        Element("identifier[]", NumberIdentifier(local_identifier("openemr-order-id"), O.procedure_order_id)),
        Element("status", Code(O.order_status, CodeMap.load("openemr_order_status"), otherwise="unknown")),
        Element("intent", Fixed("order")),
        Element("category[]", CATEGORY),
        Element("priority", Code(O.order_priority, CodeMap.load("openemr_order_priority"))),
        Element("code", LINES_CODE),
        Element("orderDetail[]", LINES_DETAIL),
        Element("subject", links.patient(O.patient_id)),
        Element("encounter", links.encounter(O.encounter_id, O.patient_id)),
        Element("authoredOn", DayOrInstant(O.date_ordered)),
        Element("requester", links.practitioner(O.provider_id)),
        Element("performer[]", laboratory(O.lab_id)),
        Element("reasonCode[]", ListConcepts(O.order_diagnosis, SYSTEMS)),
        Element("note[]", Backbone(Element("text", Str(O.clinical_hx)))),
        Element("patientInstruction", Str(O.patient_instructions)),
    ),
    last_updated=Instant(O.date_ordered),
    read_only_because=READ_ONLY,
    comment="OpenEMR's order; its lines are the code or the details of it. Deleted ones are hidden.",
)
