"""Comparing R4's dates and times, of which FHIRPath's strings know nothing."""

from __future__ import annotations

from datetime import datetime


def is_after(first: object, second: object) -> bool:
    """Whether the first is later for certain: where one of them is less precise, up to its precision.

    False where one is missing or is no date.
    """
    if not isinstance(first, str) or not isinstance(second, str):
        return False
    if "T" in first and "T" in second:
        return _instant(first) > _instant(second)
    shared = min(len(first.split("T")[0]), len(second.split("T")[0]))
    return first[:shared] > second[:shared]


def _instant(text: str) -> datetime:
    """The moment; a leap second counts as the one before it."""
    return datetime.fromisoformat(text.replace(":60", ":59", 1) if text[17:19] == "60" else text)
