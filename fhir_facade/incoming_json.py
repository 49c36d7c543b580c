"""JSON that is sent: every digit kept, and nothing that could be understood in two ways.

https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from fhir_facade.expression import expression
from fhir_facade.outcome import FhirFault, Issue
from mappers.stored.numbers import decimal, whole
from mappers.validation.narrative import markup_fault

#: how deep elements may stand within elements
DEEPEST = 100
#: digits and exponent that no measurement needs, and beyond which arithmetic gets slow
LONGEST_NUMBER, HIGHEST_EXPONENT = 100, 400
MOST_ISSUES = 20
# a text that can't be told in XML: https://www.w3.org/TR/xml/#charsets
_IMPOSSIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# whatever could become such a text once the JSON is read
_SUSPECT = re.compile(r"\\(?:u(?:00[01]|[dD][89a-fA-F]|[fF]{3})|[bf])|[\ufffe\uffff]")
_NO_TEXT = "a text may hold no control character, no half character and no noncharacter"
_Steps = tuple[str | int, ...]


class _Twice(dict[str, Any]):
    """An object in which names stood twice."""

    __slots__ = ("names",)
    names: list[str]


def json_object(text: str) -> Any:
    """What the JSON holds; raises FhirFault 400 that says where it can't be read."""
    reading = _Reading()
    try:
        found = reading.decoder.decode(text)
    except json.JSONDecodeError as fault:
        where = f"line {fault.lineno}, column {fault.colno}"
        raise FhirFault(400, "structure", f"this is no JSON: {fault.msg} at {where}") from None
    except RecursionError:
        raise too_deep() from None
    refuse_depth(found)
    if reading.suspect or _SUSPECT.search(text):
        _refuse(found)
    return found


def too_deep() -> FhirFault:
    """400 for what is nested beyond the limit."""
    return FhirFault(400, "too-long", f"elements stand more than {DEEPEST} deep within each other")


def number(text: str) -> Decimal:
    """The decimal that a text is; raises FhirFault 400 for one beyond all measure."""
    try:
        found = decimal(text)
        fits = len(text) <= LONGEST_NUMBER and abs(found.adjusted()) <= HIGHEST_EXPONENT
    except InvalidOperation:
        fits = False
    if not fits:
        limits = f"{LONGEST_NUMBER} characters or has an exponent beyond {HIGHEST_EXPONENT}"
        raise FhirFault(400, "value", f"a number is longer than {limits}")
    return found


class _Reading:
    """One text being read."""

    def __init__(self) -> None:
        self.suspect = False
        self.decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_float=number,
            parse_int=_integer,
            parse_constant=self._constant,
        )

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if "div" in found:
            self.suspect |= bool(_markup_fault(found))
        if len(found) == len(pairs):
            return found
        self.suspect = True
        names = [name for name, _ in pairs]
        doubled = _Twice(found)
        doubled.names = sorted({n for n in names if names.count(n) > 1})
        return doubled

    def _constant(self, text: str) -> Any:
        raise FhirFault(400, "value", f"{text} is no JSON number")


def _markup_fault(found: dict[str, Any]) -> str | None:
    return markup_fault(found["div"]) if isinstance(found.get("div"), str) else None


def _integer(text: str) -> int | Decimal:
    """An integer, or a decimal for what is none in the end: `-0`, or more than 64 bits."""
    return whole(text) if len(text) < 19 else number(text)


def refuse_depth(found: Any) -> None:
    """Raises `too_deep` for it."""
    level = [found]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise too_deep()


def _refuse(found: Any) -> None:
    """Raises a fault that names everything that can't be kept, up to `MOST_ISSUES`."""
    issues = [
        Issue("value" if says is _NO_TEXT else "structure", says, expression=(expression(found, steps),))
        for (steps, says), _ in zip(_bad(found, ()), range(MOST_ISSUES), strict=False)
    ]
    if issues:
        first = issues[0]
        raise FhirFault(400, first.code, first.diagnostics, first.expression, more=tuple(issues[1:]))


def _bad(value: Any, steps: _Steps) -> Iterator[tuple[_Steps, str]]:
    if isinstance(value, str):
        if _IMPOSSIBLE.search(value):
            yield steps, _NO_TEXT
    elif isinstance(value, dict):
        yield from _bad_object(value, steps)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _bad(inner, (*steps, place))


def _bad_object(value: dict[str, Any], steps: _Steps) -> Iterator[tuple[_Steps, str]]:
    for name in value.names if isinstance(value, _Twice) else ():
        yield (*steps, _plain(name)), "an element stands here twice"
    if says := _markup_fault(value):
        yield (*steps, "div"), says
    for name, inner in value.items():
        if _IMPOSSIBLE.search(name):
            yield steps, "a name here may hold no control character and no half character"
        else:
            yield from _bad(inner, (*steps, name))


def _plain(name: str) -> str:
    return _IMPOSSIBLE.sub("\ufffd", name)
