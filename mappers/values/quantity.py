"""Kinds of numbers: quantities with UCUM units, plain numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import case, func, literal, literal_column

from mappers.shared import Numeral
from mappers.spelled import Spelled, indented, spelled, spelling
from mappers.sql import (
    ALWAYS,
    Alternative,
    Condition,
    all_of,
    any_of,
    as_decimal,
    exact,
    is_numeral,
)
from mappers.terms import Amount, Term
from mappers.value import Cells, Column, Columns, Question, Read, Row, Value, Writing, cell, whole
from mappers.values.amounts import Bound, amount_condition, bound_of, by_unit, comparable, in_such_unit
from mappers.values.text import clean, text_reader
from terminology import ucum
from terminology.systems import UCUM

#: what is no integer of JSON's readers any more
_MOST = 2**63
#: pairs of a number and its text that are known: results of few digits are the same ones again and again
REMEMBERED = 16_384
_NUMERAL = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_COMPARED = re.compile(r"(<=|>=|<|>)\s*([0-9]+(?:\.[0-9]+)?)")


def number(stored: Any) -> Decimal | int | None:
    """A stored number without the zeros that only pad its column; None for what is no plain number."""
    if stored is None or stored == "":
        return None
    return stored if type(stored) is int else _unpadded(str(stored).strip())


def _unpadded(text: str) -> Decimal | int | None:
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return plain_number(text)


def plain_number(text: str) -> Decimal | int | None:
    """A number exactly as written (`5.40` keeps its zero); None for anything else."""
    if not _NUMERAL.fullmatch(text):
        return None
    try:
        if "." in text:
            return Numeral(text)
        found = int(text)
    except (InvalidOperation, ValueError):
        return None
    return found if abs(found) < _MOST else Numeral(found)


class Number(Value):
    """A decimal or integer from one numeric column; `zero_is_none` where 0 means "not given"."""

    takes: tuple[type[Term], ...] = (Amount,)
    fhir_type = "Decimal"

    def __init__(self, column: Column, *, fhir_type: str = "Decimal", zero_is_none: bool = False) -> None:
        self.column, self.fhir_type, self.zero_is_none = column, fhir_type, zero_is_none

    def reader(self, columns: Columns) -> Read:
        place, zero_is_none = columns.at(self.column), self.zero_is_none

        def read(row: Row) -> Any:
            found = number(row[place])
            return None if zero_is_none and not found else found

        return read

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Amount)
        return [q.near(all_of(self.present(), amount_condition(self.column, term, bound_of(term, q))))]

    def present(self) -> Condition:
        return self.column != 0 if self.zero_is_none else self.column.is_not(None)

    def sort_key(self) -> Column:
        return self.column

    def written(self, said: Any, w: Writing) -> Cells | None:
        if said is None:
            return {self.column: None}
        return cell(self.column, str(said)) if _NUMERAL.fullmatch(str(said)) else None


@dataclass(frozen=True)
class Conversion:
    """value = stored × factor + offset, rounded to `digits`: what turns °F into Cel.

    The same arithmetic is done in SQL (one division, so that nothing is rounded twice): what is searched is
    what is shown.
    """

    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)
    digits: int = 2

    def _terms(self) -> tuple[int, int, int]:
        """(a, b, d): value = (stored × a + b) ÷ d."""
        d = self.factor.denominator * self.offset.denominator
        return int(self.factor * d), int(self.offset * d), d

    def read(self, stored: Any) -> Decimal | int | None:
        """The converted number; None for what is no number."""
        found = number(stored)
        if found is None:
            return None
        a, b, d = self._terms()
        result = (Decimal(found) * a + b) / d
        return number(result.quantize(Decimal(1).scaleb(-self.digits), ROUND_HALF_UP))

    def sql(self, column: Column) -> Column:
        """The same as an SQL expression."""
        if self == UNCONVERTED:
            return column
        numbers: list[Column] = [literal_column(str(n)) for n in self._terms()]
        a, b, d = numbers
        return func.round((column * a + b) / d, self.digits)


UNCONVERTED = Conversion()


class Quantity(Value):
    """A quantity from a numeric column and a unit, fixed (UCUM) or in a column of unit texts.

    `text`: a column that holds the value as it was written; its digits (and a comparator) win when it says
    the same number. `conversion`: from the stored unit to the fixed one. `positive`: 0 means "not measured".
    `textual`: the number itself is a text column. https://hl7.org/fhir/R4/datatypes.html#Quantity
    """

    takes: tuple[type[Term], ...] = (Amount,)
    fhir_type = "Quantity"

    def __init__(
        self,
        column: Column,
        unit: Column | None = None,
        *,
        fixed: tuple[str, str] | None = None,
        text: Column | None = None,
        conversion: Conversion = UNCONVERTED,
        positive: bool = False,
        textual: bool = False,
    ) -> None:
        self.column, self.unit, self.fixed, self.text = column, unit, fixed, text
        self.conversion, self.positive, self.textual = conversion, positive, textual

    # reading

    def reader(self, columns: Columns) -> Read:
        number, told = spelled(self._value_reader(columns)), self._with_unit(columns)
        lines = [*number.lines, "if value is not None:", *indented(told.lines)]
        return Spelled(lines, number.used | told.used)

    def _with_unit(self, columns: Columns) -> Spelled:
        """From the number to the quantity."""
        if self.fixed:
            shown, code = self.fixed
            constant = {"unit": shown, "system": UCUM, "code": code}
            return spelling("value = {'value': value, **$unit}", unit=constant)
        if self.unit is None:
            return spelling("value = {'value': value}")
        stored = f"row[{columns.at(self.unit)}]"
        return spelling(f"value = {{'value': value, **$known[{stored}]}}", known=_Units())

    def _value_reader(self, columns: Columns) -> Read:
        place, convert, positive = columns.at(self.column), self._convert(), self.positive

        def read(row: Row) -> Any:
            found = convert(row[place])
            if positive and (found is None or found <= 0):
                return None
            return found

        return read if self.text is None else self._stated(read, self.text, columns)

    def _stated(self, read: Read, text: Column, columns: Columns) -> Read:
        """Reads a number with the digits of its text; mostly a look at both tells that they say the same."""
        stored, at, positive = columns.at(self.column), columns.at(text), self.positive

        def of(row: Row) -> Any:
            found = read(row)
            return None if positive and found is None else _as_stated(found, clean(row[at]))

        if positive or self._convert() is not number:
            return of
        lines = f"value = $alike(row[{at}], row[{stored}])\nif value is None: value = $of(row)"
        return spelling(lines, alike=_alike, of=of)

    def _convert(self) -> Callable[[Any], Any]:
        if self.conversion != UNCONVERTED:
            return self.conversion.read
        if self.textual:
            return lambda stored: _as_stated(None, clean(stored))
        return number

    # searching

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Amount)
        bounds = [(unit, cache(bound)) for unit, bound in self._bounds(term, q)]  # converted once for all
        found = [
            all_of(there, any_of(*(all_of(u, amount_condition(column, term, b)) for u, b in bounds)))
            for there, column in self._asked(term)
        ]
        return [q.near(any_of(*found))]

    def _bounds(self, term: Amount, q: Question) -> Iterator[tuple[Condition, Bound]]:
        """Pairs of (the row has such a unit, the term's numbers in it), of which one must be met."""
        if term.code is None:
            yield ALWAYS, bound_of(term, q)
        elif self.fixed:
            same = [convert for code, convert in comparable(term) if code == self.fixed[1]]
            yield from ((ALWAYS, bound_of(term, q, convert)) for convert in same)
        elif self.unit is not None:
            yield from self._stored_unit(self.unit, term, q)

    @staticmethod
    def _stored_unit(unit: Column, term: Amount, q: Question) -> Iterator[tuple[Condition, Bound]]:
        if any(comparable(term)):
            yield in_such_unit(unit, term), by_unit(unit, term, q)
        if term.system is None:
            yield func.trim(unit) == exact(literal(term.code)), bound_of(term, q)

    def _asked(self, term: Amount) -> Iterator[tuple[Condition, Column]]:
        """The numbers to compare; as one where units are, which no index serves and which cost to compare."""
        if self.unit is None or self.text is None or term.code is None or self.positive:
            return self._numbers()
        stated = case((is_numeral(self.text), as_decimal(self.text)))
        return iter([(ALWAYS, self.conversion.sql(func.coalesce(self.column, stated)))])

    def _stored(self) -> Iterator[tuple[Condition, Column]]:
        """Pairs of (it says the number, the number as stored): the text counts where there is no other."""
        if self.textual:
            yield is_numeral(self.column), as_decimal(self.column)
            return
        yield self.column.is_not(None), self.column
        if self.text is not None:
            yield all_of(self.column.is_(None), is_numeral(self.text)), as_decimal(self.text)

    def _numbers(self) -> Iterator[tuple[Condition, Column]]:
        for there, stored in self._stored():
            yield all_of(there, stored > 0) if self.positive else there, self.conversion.sql(stored)

    def _number(self) -> Column:
        return next(self._numbers())[1]

    def present(self) -> Condition:
        return any_of(*(there for there, _ in self._numbers()))

    def sort_key(self) -> Column:
        return self._number()

    def written(self, said: Any, w: Writing) -> Cells | None:
        columns = [c for c in (self.column, self.unit, self.text) if c is not None]
        if said is None:
            return dict.fromkeys(columns)
        if not isinstance(said, dict) or self.conversion != UNCONVERTED or said.get("comparator"):
            return None
        number = said.get("value")
        if number is None or self.unit is None or not _NUMERAL.fullmatch(str(number)):
            return None
        unit = cell(self.unit, said.get("unit") or said.get("code"))
        held = cell(self.column, str(number))
        if self.text is None:
            return whole(held, unit)
        # what the number's column is too coarse for, its text says
        return whole(held or {self.column: None}, unit, cell(self.text, str(number)))


class Compared(Value):
    """A quantity from a text such as `<0.5`: the number with its comparator. Not searched by value, since
    what lies behind the comparator isn't known.
    """

    fhir_type = "Quantity"

    def __init__(self, text: Column, unit: Column | None = None) -> None:
        self.text, self.unit = text, unit

    def reader(self, columns: Columns) -> Read:
        stated = text_reader(self.text, columns)
        place = columns.at(self.unit) if self.unit is not None else None
        known = _Units()

        def read(row: Row) -> Any:
            text = stated(row)
            found = _compared(text) if text and text[0] in "<>" else None
            return {**found, **(known[row[place]] if place is not None else {})} if found else None

        mostly = "type(value) is str and '<' not in value and '>' not in value"
        lines = f"value = row[{columns.at(self.text)}]\nvalue = None if {mostly} else $read(row)"
        return spelling(lines, read=read)

    def present(self) -> Condition:
        # spares most rows the costly expression
        may_be = any_of(self.text.like("%<%"), self.text.like("%>%"))
        numeral = r"^[[:space:]]*(<=|>=|<|>)[[:space:]]*[0-9]+([.][0-9]+)?[[:space:]]*$"
        return all_of(may_be, self.text.regexp_match(numeral))

    def written(self, said: Any, w: Writing) -> Cells | None:
        columns = [c for c in (self.text, self.unit) if c is not None]
        if said is None:
            return dict.fromkeys(columns)
        if not isinstance(said, dict) or self.unit is None or not {"comparator", "value"} <= set(said):
            return None
        text = cell(self.text, f"{said['comparator']}{said['value']}")
        return whole(text, cell(self.unit, said.get("unit") or said.get("code")))


def _compared(text: str) -> dict[str, Any] | None:
    found = _COMPARED.fullmatch(text)
    return {"value": plain_number(found[2]), "comparator": found[1]} if found else None


@lru_cache(REMEMBERED)
def _alike(text: Any, stored: Any) -> Decimal | int | None:
    """The number that a text and a column say alike, but for zeros at its end; None where that isn't seen."""
    if type(text) is not str or type(stored) is not str or not stored.startswith(text):
        return None
    rest = stored[len(text) :]
    if "." in text:
        return Numeral(text) if not rest.strip("0") and _NUMERAL.fullmatch(text) else None
    return plain_number(text) if not rest or (rest[0] == "." and not rest[1:].strip("0")) else None


def _as_stated(found: Any, text: str | None) -> Any:
    """The number with the digits it was written with, if the text says the same number."""
    stated = plain_number(text) if text else None
    return stated if stated is not None and (found is None or stated == found) else found


def unit_of(stored: Any) -> dict[str, str]:
    """The unit's part of a Quantity: UCUM only where the unit's code is known."""
    text = clean(stored)
    code = ucum.unit_code(text) if text else None
    found = {"unit": text} if text else {}
    return {**found, "system": UCUM, "code": code} if text and code else found


class _Units(dict[Any, dict[str, str]]):
    """Unit text → the unit's part of a Quantity, remembered."""

    def __missing__(self, stored: Any) -> dict[str, str]:
        found = unit_of(stored)
        if len(self) < 4096:
            self[stored] = found
        return found
