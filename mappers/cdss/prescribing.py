"""How a prescription's line is written: only what its columns can hold whole.

Half a dosage is worse than none: where the columns can't hold all of it, they hold its words alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mappers.cdss.order_states import ENDED
from mappers.cdss.tables import ocs_order, ocs_orderitem
from mappers.upkeep import Changes, Held, Resource
from mappers.value import Cells, Columns, Read, Value, Writing, cell
from mappers.values import MappedCoding, Number
from terminology.code_map import CodeMap

I = ocs_orderitem.c  # noqa: E741 - as the table's initial
FREQUENCY = CodeMap.load("cdss_frequency")
ROUTE = MappedCoding(I.route, CodeMap.load("cdss_route"))
#: what the columns can hold of a dosage, and of the parts of it
HELD = {"text", "timing", "route", "doseAndRate", "additionalInstruction", "asNeededBoolean"}
#: days that a line's column can hold
_LONGEST = 2**31 - 1
COLUMNS = (I.dose, I.dose_unit, I.frequency, I.route, I.duration_days, I.instructions)


def names_a_drug(sent: Resource, current: Resource | None) -> Iterator[tuple[str, str]]:
    """The line names the drug: a reference to a Medication isn't what its columns hold."""
    drug = sent.get("medicationCodeableConcept") or {}
    if not (drug.get("text") or drug.get("coding")):
        yield "medication", "a prescription names the drug by a code or in words (medicationCodeableConcept)"


def order_of_lines(order: Held, lines: Sequence[Held]) -> tuple[Cells, Changes]:
    """What an order holds whose lines are as they are now; a line that told the order's status keeps it."""
    own, told = _word(order), [_word(line) for line in lines]
    wanted = _status_of_all(own, {word or own for word in told})
    if wanted == own:
        return {}, []
    unsaid: Changes = [(line["id"], {I.status: order["status"]}) for line in lines if not _word(line)]
    return {ocs_order.c.status: wanted}, unsaid


def _status_of_all(own: str, lines: set[str]) -> str:
    if own in ENDED:
        return own
    if lines <= {*ENDED}:
        return "completed" if "completed" in lines else "cancelled"
    live = lines - {*ENDED}
    if live in ({"draft"}, {"on_hold"}):
        return live.pop()
    return "ordered" if own in ("draft", "on_hold") else own


def _word(row: Held) -> str:
    return str(row["status"] or "").strip().lower()


class Taken(Value):
    """The one dosage of a line; of several, none."""

    only_alone = True

    def reader(self, columns: Columns) -> Read:
        raise NotImplementedError("it is only written")

    def present(self) -> Any:
        raise NotImplementedError("it is only written")

    def written(self, said: Any, w: Writing) -> Cells | None:
        """The columns of a dosage that they can hold whole; else its words."""
        blank: Cells = dict.fromkeys(COLUMNS)
        if said is None:
            return blank
        try:
            return {**blank, **_whole(said, w)}
        except _Unheld:
            return {**blank, I.instructions: said.get("text")}


class _Unheld(Exception):
    """The columns have no place for something that a dosage says."""


def _whole(said: Resource, w: Writing) -> Cells:
    if set(said) - HELD:
        raise _Unheld
    told = said.get("additionalInstruction") or []
    if any("text" not in one for one in told):  # a code is nothing that the column could say
        raise _Unheld
    return {
        **_dose(said.get("doseAndRate") or [], w),
        **_timing(said.get("timing") or {}, said.get("asNeededBoolean")),
        **_route(said.get("route"), w),
        I.instructions: "; ".join(one["text"] for one in told) or None,
    }


def _dose(said: list[Resource], w: Writing) -> Cells:
    if not said:
        return {}
    quantity = said[0].get("doseQuantity") or {}
    if len(said) > 1 or set(said[0]) - {"doseQuantity", "type"} or "value" not in quantity:
        raise _Unheld
    unit = cell(I.dose_unit, quantity.get("unit") or quantity.get("code"))
    dose = Number(I.dose).written(quantity["value"], w)
    if quantity.get("comparator") or unit is None or dose is None:
        raise _Unheld
    return {**dose, **unit}


def _timing(said: Resource, as_needed: bool | None) -> Cells:
    repeat = said.get("repeat") or {}
    bounds = repeat.get("boundsDuration")
    words = _words(said, as_needed)
    if (said or as_needed) and words is None and set(repeat) - {"boundsDuration"}:
        raise _Unheld
    if words is None and (said.get("code") or as_needed):
        raise _Unheld
    return {I.frequency: words, I.duration_days: _days(bounds) if bounds else None}


def _words(said: Resource, as_needed: bool | None) -> str | None:
    """The hospital's word for a timing that says no more than it does."""
    coded = [(c.get("system"), str(c.get("code"))) for c in (said.get("code") or {}).get("coding") or []]
    found = [e for e in FREQUENCY.entries if (e.system, e.code) in coded]
    if not coded:
        found = [e for e in FREQUENCY.entries if _same(e.extra, said.get("repeat") or {}, as_needed)]
    fitting = [e for e in found if bool(e.extra.get("as_needed")) == bool(as_needed)]
    return fitting[0].source if fitting else None


def _same(extra: Any, repeat: Resource, as_needed: bool | None) -> bool:
    told = {k: str(v) for k, v in repeat.items() if k != "boundsDuration"}
    own = {"frequency": extra["frequency"], "period": extra["period"], "periodUnit": extra["period_unit"]}
    return bool(told or as_needed) and told == {k: v for k, v in own.items() if v} and not extra.get("when")


def _days(bounds: Resource) -> int:
    days = bounds.get("value")
    if bounds.get("code") != "d" or days is None or not 0 <= days <= _LONGEST or int(days) != days:
        raise _Unheld
    return int(days)


def _route(said: Any, w: Writing) -> Cells:
    if not said:
        return {}
    for coding in said.get("coding") or []:
        if (found := ROUTE.written(coding, w)) is not None:
            return found
    raise _Unheld
