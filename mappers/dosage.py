"""Dosages: what columns say of how to take a drug, as FHIR's Timing, dose and text.

https://hl7.org/fhir/R4/dosage.html
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from mappers.values.quantity import number, plain_number, unit_of
from terminology.systems import UCUM
from terminology.timing import schedule

DAYS = {"unit": "days", "system": UCUM, "code": "d"}
# an amount for each minute, hour or day is a rate
_RATE = re.compile(r"/(?:min|h|hr|hour|day|d)$")
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([^\d\s].*)?")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(?:-|–|~)\s*(\d+(?:\.\d+)?)")


def timing(map_name: str, said: dict[str, Any]) -> dict[str, Any] | None:
    """Timing of `words` (by a code map), of `days` of taking it and of its `bounds`.

    Words that the map doesn't know stay a text.
    """
    words, days = said.get("words"), said.get("days")
    found = schedule(map_name, words) if words else None
    known = dict(found.timing or {}) if found else {}
    bounds = _bounds(days, said.get("bounds"))
    if words and not found and not words.isdigit():
        known = {"code": {"text": words}}
    if bounds:
        known["repeat"] = {**bounds, **known.get("repeat", {})}
    return known or None


def _bounds(days: Any, period: Any) -> dict[str, Any]:
    if days is not None and days > 0:
        return {"boundsDuration": {"value": days, **DAYS}}
    return {"boundsPeriod": period} if period else {}


def as_needed(map_name: str, words: str) -> bool | None:
    """True where the words say "as needed"; nothing is said otherwise."""
    found = schedule(map_name, words)
    return True if found and found.as_needed else None


def dose_or_rate(said: dict[str, Any]) -> dict[str, Any] | None:
    """doseAndRate of a stored `dose` and `unit`; 0 and less are none."""
    value = number(said.get("dose"))
    if value is None or value <= 0:
        return None
    quantity = {"value": value, **unit_of(said.get("unit"))}
    rate = _RATE.search(said.get("unit") or "")
    return {"rateQuantity": quantity} if rate else {"doseQuantity": quantity}


def written_dose(text: str, unit: dict[str, Any]) -> dict[str, Any] | None:
    """doseAndRate of `1`, `1-2` (in the unit given) or `10 mg`; None for any other text."""
    if span := _SPAN.fullmatch(text):
        low, high = plain_number(span[1]), plain_number(span[2])
        if low is None or high is None or not 0 < low <= high:
            return None
        return {"doseRange": {"low": {"value": low, **unit}, "high": {"value": high, **unit}}}
    found = _AMOUNT.fullmatch(text)
    value = plain_number(found[1]) if found else None
    if not found or not value:
        return None
    return {"doseQuantity": {"value": value, **(unit_of(found[2]) if found[2] else unit)}}


def supply(value: Any) -> dict[str, Any] | None:
    """A number of days to last; 0 and less are none."""
    return {"value": value, **DAYS} if value and value > 0 else None


def amount(value: Any) -> dict[str, Any] | None:
    """An amount without a unit (the row has none); 0 and less are none."""
    found = number(value)
    return {"value": found} if found and found > Decimal(0) else None


def in_words(said: dict[str, Any]) -> str | None:
    """`1 tablet BID PO; 식후 30분`: dose, frequency, route and instructions as they are stored."""
    dose = number(said.get("dose"))
    taken = f"{dose} {said.get('unit', '')}".strip() if dose and dose > 0 else ""
    line = " ".join(w for w in (taken, said.get("words"), said.get("route")) if w)
    return "; ".join(w for w in (line, said.get("instructions")) if w) or None
