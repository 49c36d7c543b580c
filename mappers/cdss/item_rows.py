"""The rows of an order's items: made with it, brought to what a draft asks for, and going its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mappers.cdss.order_items import LOCAL_ITEM, LOCAL_TEST
from mappers.cdss.order_states import ENDED, WITHDRAWN
from mappers.cdss.ordering import WORDS, begun, state_of, step
from mappers.cdss.tables import ocs_orderitem
from mappers.upkeep import Changes, Held, Lines, Resource
from mappers.value import Cells, Writing
from mappers.values import Coded, Concept, Str
from mappers.write.faults import WriteFault

I = ocs_orderitem.c  # noqa: E741 - as the table's initial
_ITEM = Concept(Coded(LOCAL_TEST, I.item_code), Coded(LOCAL_ITEM, I.item_code), text=Str(I.item_name))


def _made(sent: Resource, w: Writing) -> list[Cells]:
    """A row for each thing that is ordered: for the details, or else for the code."""
    return [_new(_item(concept, w), sent, w) for concept in _asked(sent)]


def _new(item: Cells, sent: Resource, w: Writing) -> Cells:
    return {**_instructions(sent, w), **item, I.status: WORDS[sent["status"]]}


def _asked(order: Resource) -> list[Any]:
    return order.get("orderDetail") or [c for c in (order.get("code"),) if c]


def _item(concept: Any, w: Writing) -> Cells:
    return _ITEM.written(concept, w) or {}


def _instructions(sent: Resource, w: Writing) -> Cells:
    return Str(I.instructions).written(sent.get("patientInstruction"), w) or {}


def _followed(sent: Resource | None, current: Resource, held: Sequence[Held], w: Writing) -> Changes:
    """Items go the way of their order, but those that have ended; what patients are told stands in each.

    Raises WriteFault 422 where that, or what is asked for, is of rows that others have begun to act on.
    """
    going = step(I.status, sent, current)
    rows = _Rows(left=[row for row in held if state_of(row) not in WITHDRAWN])
    if sent is None or _asked(sent) == _asked(current):
        rows.keep_all()
        told = _told(sent, current, rows.all_kept or held, w) if sent is not None else {}
    else:
        rows.ask([_item(concept, w) for concept in _asked(sent)])
        rows.refuse_begun("orderDetail" if sent.get("orderDetail") else "code")
        told = _told(sent, current, rows.all_kept, w)
    found: Changes = [
        (row["id"], {**cells, **told, **({} if state_of(row) in ENDED else going)})
        for row, cells in rows.kept
    ]
    new: Changes = [(None, _new(item, sent, w)) for item in rows.new] if sent is not None else []
    # no row is ever removed: what isn't asked for any more was taken back
    taken: Changes = [(row["id"], {I.status: "cancelled"}) for row in rows.left]
    return [change for change in (*found, *new, *taken) if change[1]]


@dataclass
class _Rows:
    """Rows of items, beside what is asked for: `left` are those that it doesn't name."""

    left: list[Held]
    kept: list[tuple[Held, Cells]] = field(default_factory=list)
    new: list[Cells] = field(default_factory=list)

    @property
    def all_kept(self) -> list[Held]:
        return [row for row, _ in self.kept]

    def keep_all(self) -> None:
        self.kept, self.left = [(row, {}) for row in self.left], []

    def ask(self, items: Sequence[Cells]) -> None:
        """Each item takes the row that says the same, else one of the same code, else it is a new one."""
        waiting = [item for item in items if not self._take(item, _same)]
        self.new = [item for item in waiting if not self._take(item, _of_one_code)]

    def _take(self, item: Cells, fits: Any) -> bool:
        row = next((row for row in self.left if fits(row, item)), None)
        if row is None:
            return False
        self.left.remove(row)
        named: Cells = {I.item_name: item.get(I.item_name)} if _named(row) and not _same(row, item) else {}
        self.kept.append((row, named))
        return True

    def refuse_begun(self, name: str) -> None:
        if any(begun(row) for row in self.left):
            text = (
                "others act on an item already that isn't named any more: revoke the order and write another"
            )
            raise WriteFault(422, "business-rule", text, f"ServiceRequest.{name}")


def _same(row: Held, item: Cells) -> bool:
    told = item.get(I.item_code) or "", item.get(I.item_name) or ""
    return told == (row["item_code"] or "", row["item_name"] or "")


def _of_one_code(row: Held, item: Cells) -> bool:
    """The same code, under whatever name; a row without one has its name from the master."""
    return bool(item.get(I.item_code)) and item[I.item_code] == row["item_code"]


def _named(row: Held) -> bool:
    return bool((row["item_name"] or "").strip())


def _told(sent: Resource, current: Resource, rows: Sequence[Held], w: Writing) -> Cells:
    """What patients are told from now on, where that is another; it must be the same of all rows."""
    if sent.get("patientInstruction") == current.get("patientInstruction"):
        return {}
    if any(state_of(row) in ENDED for row in rows) or len({row["instructions"] or "" for row in rows}) > 1:
        text = "its items say this, each for itself, and not all of them say the same and are still to come"
        raise WriteFault(422, "business-rule", text, "ServiceRequest.patientInstruction")
    return _instructions(sent, w)


ITEM_ROWS = Lines(ocs_orderitem, I.order_id, _made, _followed)
