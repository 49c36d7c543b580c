"""Numbers and quantities, as R4 compares them: `eq` and `ne` by the digits written, the others exactly.

https://hl7.org/fhir/R4/search.html#quantity
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from terminology import ucum
from tests.search.oracle_texts import split, unescape

Test = Callable[[Any], bool]
UCUM = "http://unitsofmeasure.org"
_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)")


def number_test(value: str, convert: Callable[[Decimal], Decimal] = Decimal) -> Test:
    """A prefix and a number."""
    found = _PREFIX.fullmatch(value)
    assert found
    prefix, text = found[1] or "eq", found[2]
    asked, half = Decimal(text), _half(text)
    if prefix == "ap":
        half = abs(asked) / 10
    low, high, exact = convert(asked - half), convert(asked + half), convert(asked)

    def test(stored: Any) -> bool:
        number = Decimal(str(stored))
        match prefix:
            case "eq" | "ap":
                return low <= number < high
            case "ne":
                return not low <= number < high
            case "gt" | "sa":
                return number > exact
            case "lt" | "eb":
                return number < exact
            case "ge":
                return number >= exact
        return number <= exact

    return test


def _half(text: str) -> Decimal:
    """Half of the last digit written; 1e2 has two significant digits in the standard's own example."""
    digits, _, exponent = text.lower().partition("e")
    decimals = len(digits.partition(".")[2])
    return Decimal(5).scaleb(int(exponent or 0) - decimals - (2 if exponent else 1))


def quantity_test(value: str) -> Test:
    """`number`, `number|system|code`, `number||code`: a comparable unit's number is converted."""
    pieces = split(value, "|")
    if len(pieces) == 1:
        plain = number_test(value)
        return lambda found: _plain(found) and plain(found["value"])
    number, system, code = pieces[0], unescape(pieces[1]), unescape(pieces[2])

    def test(found: Any) -> bool:
        if not _plain(found):
            return False
        convert = _conversion(found, system, code)
        return convert is not None and number_test(number, convert)(found["value"])

    return test


def _plain(found: Any) -> bool:
    return isinstance(found, Mapping) and "value" in found and "comparator" not in found


def _conversion(found: Mapping[str, Any], system: str, code: str) -> Callable[[Decimal], Decimal] | None:
    """How the asked unit becomes the found one; None where they can't be compared."""
    if system and found.get("system") != system:
        return None
    if not system and code in (found.get("unit"), found.get("code")):
        return Decimal
    if found.get("system") != UCUM or "code" not in found:
        return Decimal if code == found.get("code") and system == found.get("system") else None
    asked = code if system else (ucum.unit_code(code) or code)
    if asked == found["code"]:
        return Decimal
    return next((c.apply for c in ucum.convertible(asked) if c.code == found["code"]), None)
