"""What a new order brings along: its items, and the examination of a radiological one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import FromClause

from mappers.cdss.order_items import LOCAL_ITEM, LOCAL_TEST
from mappers.cdss.order_states import ENDED
from mappers.cdss.tables import ocs_orderitem, ris_radiologyorder
from mappers.cells import cells_of, told_at
from mappers.mapping import Element
from mappers.upkeep import NOW, Changes, Held, Lines, Resource
from mappers.value import Cells, Writing
from mappers.values import Choice, Coded, Concept, Instant, MappedCoding, Str
from mappers.write.faults import WriteFault
from terminology.code_map import CodeMap

I, X = ocs_orderitem.c, ris_radiologyorder.c  # noqa: E741 - as the other tables' initials
CATEGORY = CodeMap.load("cdss_order_category")
#: the hospital's words for the status of what belongs to an order, by the order's
WORDS = {
    "draft": "draft",
    "active": "ordered",
    "on-hold": "on_hold",
    "completed": "completed",
    "revoked": "cancelled",
}
_ITEM = Concept(Coded(LOCAL_TEST, I.item_code), Coded(LOCAL_ITEM, I.item_code), text=Str(I.item_name))
_BODY_PART = Concept(MappedCoding(X.body_part, CodeMap.load("body_part")), text=Str(X.body_part))
_EXAMINATION = (
    Element("category[]", Concept(MappedCoding(X.modality, CodeMap.load("cdss_modality")))),
    Element("bodySite[]", _BODY_PART),
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
    status = WORDS[sent["status"]]
    return [{**told, **(_ITEM.written(concept, w) or {}), I.status: status} for concept in asked]


def items_followed(sent: Resource | None, current: Resource, held: Sequence[Held], w: Writing) -> Changes:
    """Items go the way of their order, but those that have ended; what patients are told stands in each."""
    told: Cells = {}
    if sent is not None and sent.get("patientInstruction") != current.get("patientInstruction"):
        _refuse_other_words(held)
        told = Str(I.instructions).written(sent.get("patientInstruction"), w) or {}
    step = _step(I.status, sent, current)
    cells = {line["id"]: {**told, **({} if _has_ended(line) else step)} for line in held}
    return [(line, changed) for line, changed in cells.items() if changed]


def _refuse_other_words(held: Sequence[Held]) -> None:
    """Raises WriteFault 422 where what is told to the patient isn't the same of all items, or is told."""
    if any(_has_ended(line) for line in held) or len({line["instructions"] or "" for line in held}) != 1:
        text = "its items say this, each for itself, and not all of them say the same and are still to come"
        raise WriteFault(422, "business-rule", text, "ServiceRequest.patientInstruction")


def _step(column: Any, sent: Resource | None, current: Resource) -> Cells:
    """The status that rows take which go the way of their order; none where it takes no step."""
    status = "revoked" if sent is None else sent["status"]
    return {column: WORDS[status]} if status != current.get("status") and status in WORDS else {}


def _has_ended(row: Held) -> bool:
    return str(row["status"] or "").strip().lower() in ENDED


def _examination(sent: Resource, w: Writing) -> list[Cells]:
    """The RIS's row of a radiological order."""
    codings = [c for concept in sent.get("category") or [] for c in concept.get("coding") or []]
    words = {s for c in codings for s in CATEGORY.sources_of(c.get("system"), str(c.get("code")))}
    local = {c.get("code") for c in codings}
    if "RADIOLOGY" not in words | local:
        return []
    patient = str((told_at(sent, "subject") or {}).get("reference", "")).rpartition("/")[2]
    fixed: Cells = {X.patient_id: patient, X.status: WORDS[sent["status"]], X.updated_at: NOW}
    return [{**cells_of(_EXAMINATION, sent, w), **fixed}]


def _examinations_followed(
    sent: Resource | None, current: Resource, held: Sequence[Held], w: Writing
) -> Changes:
    """What the RIS has still to do goes the way of the order."""
    step = _step(X.status, sent, current)
    waiting = [row["id"] for row in held if step and not _has_ended(row)]
    return [(row, {**step, X.updated_at: NOW}) for row in waiting]


def examinations(joined: FromClause) -> Lines:
    """The RIS's rows, of which the part joins the first."""
    return Lines(ris_radiologyorder, X.order_id, _examination, _examinations_followed, joined)
