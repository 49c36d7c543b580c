"""When to take it: a prescription's frequency words as a FHIR Timing.

https://hl7.org/fhir/R4/datatypes.html#Timing
"""

from __future__ import annotations

from typing import Any, NamedTuple

from terminology.code_map import CodeMap, Entry

_NUMBERS = {"frequency": "frequency", "period": "period", "count": "count"}


class Schedule(NamedTuple):
    """`timing` is None when the words say no more than "as needed"."""

    timing: dict[str, Any] | None
    as_needed: bool


def schedule(map_name: str, text: object) -> Schedule | None:
    """The schedule of `BID`, `TID PC`, `QD PRN` …; None when a word is not in the map.

    The Timing holds a coding only where one word says all;
    its text is the words, or what an option number stands for.
    """
    written = "" if text is None else " ".join(str(text).split())
    entries = [CodeMap.load(map_name).entry(word) for word in written.split()]
    known = [one for one in entries if one is not None]
    if not known or len(known) < len(entries):
        return None
    repeat: dict[str, Any] = {}
    for one in known:
        repeat |= _repeat(one)
    words = " ".join(one.display if one.source.isdigit() else one.source for one in known)
    return Schedule(_timing(repeat, known, words), any(one.extra["as_needed"] for one in known))


def _repeat(entry: Entry) -> dict[str, Any]:
    extra = entry.extra
    found: dict[str, Any] = {key: int(extra[name]) for name, key in _NUMBERS.items() if extra[name]}
    if extra["period_unit"]:
        found["periodUnit"] = extra["period_unit"]
    if extra["when"]:
        found["when"] = [extra["when"]]
    return found


def _timing(repeat: dict[str, Any], known: list[Entry], words: str) -> dict[str, Any] | None:
    if not repeat:
        return None
    codings = [one.coding() for one in known if not one.extra["as_needed"]]
    code: dict[str, Any] = {"text": words}
    if len(codings) == 1 and codings[0]:
        code["coding"] = codings
    return {"repeat": repeat, "code": code}
