"""Units of measure (https://ucum.org): which text means which unit, and which units measure the same.

`ucum.csv` holds, for the units we meet, dimension, factor and offset to the dimension's base unit:
base value = value × factor + offset, exactly. What UCUM calls commensurable but clinicians don't keeps
dimensions of its own: equivalents (mEq) beside moles, international units beside enzyme units, counts.
"""

from __future__ import annotations

import csv
import re
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from terminology import verification
from terminology.code_map import CodeMap

# UCUM 6: any printable ASCII text but braces may annotate; alone it stands for the unit 1.
_ANNOTATION = re.compile(r"\{[!-z|~]+\}")
_PRECISE = Context(prec=34)


class Conversion(NamedTuple):
    """From the unit asked about to `code`: value × factor + offset."""

    code: str
    factor: Fraction
    offset: Fraction

    def apply(self, value: Decimal) -> Decimal:
        """The value in unit `code`, to 34 digits."""
        over, under = value.as_integer_ratio()
        (times, by), (more, of) = self.factor.as_integer_ratio(), self.offset.as_integer_ratio()
        # as one fraction, exactly; to reduce it, as a Fraction does, would cost ten times as much
        exact = over * times * of + more * under * by
        return _PRECISE.divide(Decimal(exact), Decimal(under * by * of))


class _Unit(NamedTuple):
    dimension: str
    factor: Fraction
    offset: Fraction


@cache
def _units() -> dict[str, _Unit]:
    text = files("terminology").joinpath("ucum.csv").read_text(encoding="utf-8")
    return {
        row["code"]: _Unit(row["dimension"], Fraction(row["factor"]), Fraction(row["offset"]))
        for row in csv.DictReader(text.splitlines())
    }


@cache
def convertible(code: str) -> tuple[Conversion, ...]:
    """Every packaged unit of the same dimension, the unit itself first; empty for one that isn't packaged."""
    own = _units().get(code)
    if own is None:
        return ()
    same = (name for name, unit in _units().items() if unit.dimension == own.dimension and name != code)
    return tuple(_conversion(own, name) for name in (code, *same))


def _conversion(own: _Unit, code: str) -> Conversion:
    other = _units()[code]
    return Conversion(code, own.factor / other.factor, (own.offset - other.offset) / other.factor)


def convert(value: Decimal, code: str, to: str) -> Decimal | None:
    """The value in the unit `to`; None for units of different dimensions."""
    return next((one.apply(value) for one in convertible(code) if one.code == to), None)


def is_valid(code: str) -> bool:
    """Whether we know it for a UCUM code: packaged, in HL7's list of common units, or a bare annotation."""
    return code in _units() or bool(_ANNOTATION.fullmatch(code)) or verification.is_known_unit(code)


def unit_code(text: str | None) -> str | None:
    """The UCUM code of a unit as people write it ("MG/DL", "K/uL", "정"); None when it is not understood."""
    written = " ".join((text or "").split())
    if not written:
        return None
    found = CodeMap.load("units").to_fhir(written)
    if found is not None:
        return found.code
    return written if is_valid(written) else None


@cache
def texts(code: str) -> tuple[str, ...]:
    """The unit texts that are read as this UCUM code, the code itself among them."""
    found = [e.source for e in CodeMap.load("units").entries if e.coding() and e.code == code]
    return tuple(dict.fromkeys((code, *found)))
