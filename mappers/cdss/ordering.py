"""What a new order brings along: its items, and the examination of a radiological one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mappers.cdss.order_items import LOCAL_ITEM, LOCAL_TEST
from mappers.cdss.tables import ocs_orderitem, ris_radiologyorder
from mappers.cells import cells_of, told_at
from mappers.mapping import NOW, Element, Lines, Resource
from mappers.value import Cells, Writing
from mappers.values import Choice, Coded, Concept, Instant, MappedCoding, Str
from terminology.code_map import CodeMap

I, X = ocs_orderitem.c, ris_radiologyorder.c  # noqa: E741 - as the other tables' initials
CATEGORY = CodeMap.load("cdss_order_category")
_ITEM = Concept(Coded(LOCAL_TEST, I.item_code), Coded(LOCAL_ITEM, I.item_code), text=Str(I.item_name))
_BODY_PART = Concept(MappedCoding(X.body_part, CodeMap.load("body_part")), text=Str(X.body_part))
_EXAMINATION = (
    Element("category[]", Concept(MappedCoding(X.modality, CodeMap.load("cdss_modality")))),
    Element(
        "bodySite[]", Concept(MappedCoding(X.body_part, CodeMap.load("body_part")), text=Str(X.body_part))
    ),
    Element("occurrence[x]", Choice(Instant(X.scheduled_at))),
    Element("code", Concept(text=Str(X.procedure_name))),
)


def states_what(sent: Resource, current: Resource | None) -> Iterator[tuple[str, str]]:
    """An order says what is ordered, in a code or in words."""
    if not sent.get("code") and not sent.get("orderDetail"):
        yield "code", "an order says what is ordered"


def ordered_items(sent: Resource, w: Writing) -> list[Cells]:
    """A row for each thing that is ordered: for the details, or else for the code."""
    asked: list[Any] = sent.get("orderDetail") or [c for c in (sent.get("code"),) if c]
    told = Str(I.instructions).written(sent.get("patientInstruction"), w) or {}
    status = "cancelled" if sent.get("status") == "revoked" else "ordered"
    return [{**told, **(_ITEM.written(concept, w) or {}), I.status: status} for concept in asked]


def _examination(sent: Resource, w: Writing) -> list[Cells]:
    """The RIS's row of a radiological order."""
    codings = [c for concept in sent.get("category") or [] for c in concept.get("coding") or []]
    words = {s for c in codings for s in CATEGORY.sources_of(c.get("system"), str(c.get("code")))}
    local = {c.get("code") for c in codings}
    if "RADIOLOGY" not in words | local:
        return []
    patient = str((told_at(sent, "subject") or {}).get("reference", "")).rpartition("/")[2]
    fixed: Cells = {X.patient_id: patient, X.status: "ordered", X.updated_at: NOW}
    return [{**cells_of(_EXAMINATION, sent, w), **fixed}]


EXAMINATIONS = Lines(ris_radiologyorder, X.order_id, _examination)
