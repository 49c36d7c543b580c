"""What belongs to an order: its kind and state, and the examination of a radiological one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import FromClause

from mappers.cdss.order_items import LOCAL_TEST
from mappers.cdss.order_states import ENDED
from mappers.cdss.tables import ocs_order, ris_radiologyorder
from mappers.cells import cells_of, told_at
from mappers.mapping import Element
from mappers.upkeep import NOW, Changes, Held, Lines, Resource
from mappers.value import Cells, Writing
from mappers.values import Choice, Concept, Instant, MappedCoding, Str
from mappers.write.faults import WriteFault
from terminology.code_map import CodeMap
from terminology.systems import local_system

X = ris_radiologyorder.c
CATEGORY, ORDER_TYPE = CodeMap.load("cdss_order_category"), local_system("order-type")
#: the hospital's words for the status of what belongs to an order, by the order's
WORDS = {
    "draft": "draft",
    "active": "ordered",
    "on-hold": "on_hold",
    "completed": "completed",
    "revoked": "cancelled",
}
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


def kind(sent: Resource, current: Resource | None, now: str) -> Cells:
    """The kind of a new order that doesn't say it: the hospital's tests are for its laboratory."""
    if current is not None or sent.get("category"):
        return {}
    asked = [sent.get("code") or {}, *(sent.get("orderDetail") or [])]
    known = [any(c.get("system") == LOCAL_TEST for c in one.get("coding") or []) for one in asked if one]
    return {ocs_order.c.order_type: "LAB"} if known and all(known) else {}


def step(column: Any, sent: Resource | None, current: Resource) -> Cells:
    """The status that rows take which go the way of their order; none where it takes no step."""
    status = "revoked" if sent is None else sent["status"]
    return {column: WORDS[status]} if status != current.get("status") and status in WORDS else {}


def state_of(row: Held) -> str:
    """The word of a row's status, as others may have written it."""
    return str(row["status"] or "").strip().lower()


def begun(row: Held) -> bool:
    """Whether others act on a row already, or have ended it."""
    return state_of(row) not in ("", "draft")


def keeps_its_kind(sent: Resource, current: Resource | None) -> Iterator[tuple[str, str]]:
    """A draft stays an order of its kind: another is written down elsewhere, by other people."""
    if current is not None and _kinds(sent) != _kinds(current):
        yield "category", "the kind of an order doesn't change: revoke it, and create another"


def _kinds(order: Resource) -> set[str]:
    """The hospital's words for what is ordered, as the categories say it in any system."""
    codings = [c for concept in order.get("category") or [] for c in concept.get("coding") or []]
    words = {s for c in codings for s in CATEGORY.sources_of(c.get("system"), str(c.get("code")))}
    return words | {str(c.get("code")) for c in codings if c.get("system") == ORDER_TYPE}


def _examination(sent: Resource, w: Writing) -> list[Cells]:
    """The RIS's row of a radiological order."""
    if "RADIOLOGY" not in _kinds(sent):
        return []
    patient = str((told_at(sent, "subject") or {}).get("reference", "")).rpartition("/")[2]
    fixed: Cells = {X.patient_id: patient, X.status: WORDS[sent["status"]], X.updated_at: NOW}
    return [{**cells_of(_EXAMINATION, sent, w), **fixed}]


def _examinations_followed(
    sent: Resource | None, current: Resource, held: Sequence[Held], w: Writing
) -> Changes:
    """What the RIS has still to do goes the way of the order; a draft's first is what it asks for now."""
    going = step(X.status, sent, current)
    found: dict[Any, Cells] = {row["id"]: going for row in held if going and state_of(row) not in ENDED}
    if sent is not None and (other := _asked_otherwise(sent, current)):
        if not held:
            return [(None, cells) for cells in _examination(sent, w)]
        _refuse_begun(held[0], other)
        found[held[0]["id"]] = {**cells_of(_EXAMINATION, sent, w), **found.get(held[0]["id"], {})}
    return [(row, {**cells, X.updated_at: NOW}) for row, cells in found.items()]


def _asked_otherwise(sent: Resource, current: Resource) -> str:
    """The element by which another examination is asked for than before, if one is."""
    paths = (e.path for e in _EXAMINATION)
    return next((p for p in paths if told_at(sent, p) != told_at(current, p)), "")


def _refuse_begun(row: Held, path: str) -> None:
    if begun(row):
        text = "the RIS acts on it already: revoke the order and write another"
        name = path.removesuffix("[]").removesuffix("[x]")
        raise WriteFault(422, "business-rule", text, f"ServiceRequest.{name}")


def examinations(joined: FromClause) -> Lines:
    """The RIS's rows, of which the part joins the first."""
    return Lines(ris_radiologyorder, X.order_id, _examination, _examinations_followed, joined)
