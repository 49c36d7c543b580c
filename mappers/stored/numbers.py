"""Numbers as they were written: `1e2`, `-0` and `0.0000001` are told again in the same digits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


class SentDecimal(Decimal):
    """A decimal that is written again as it was sent: `1e2` stays `1e2`."""

    __slots__ = ("_text",)
    _text: str

    def __new__(cls, text: str) -> SentDecimal:
        """The number that a text is."""
        made = super().__new__(cls, text)
        made._text = text
        return made

    def __str__(self) -> str:
        return self._text

    def __reduce__(self) -> tuple[Any, ...]:
        return SentDecimal, (self._text,)


def decimal(text: str) -> Decimal:
    """The number of a JSON text; raises InvalidOperation for what is none."""
    found = Decimal(text)
    return found if str(found) == text else SentDecimal(text)


def whole(text: str) -> int | Decimal:
    """The number of a JSON text without fraction; a decimal for `-0` and what has more than 64 bits."""
    return int(text) if len(text) < 19 and text != "-0" else decimal(text)
