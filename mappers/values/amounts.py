"""Numbers to search for: what a column is compared with, in the row's own unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from sqlalchemy import case, literal

from mappers.sql import Condition, all_of, any_of, constant, one_of, word
from mappers.terms import Amount, Prefix
from mappers.value import Column, Question
from terminology import ucum
from terminology.systems import UCUM

Convert = Callable[[Decimal], Decimal]
#: what a column is compared with: the value of a term, or an end of the stretch that its digits stand for
Bound = Callable[[Callable[[Amount], Decimal]], Column]


def amount_condition(column: Column, term: Amount, slot: Bound) -> Condition:
    """`column` as the term's prefix asks; `eq` and `ne` by the precision written, the others exactly.

    https://hl7.org/fhir/R4/search.html#number
    """
    ways: dict[Prefix, Callable[[], Condition]] = {
        Prefix.EQ: lambda: all_of(column >= slot(_low), column < slot(_high)),
        Prefix.NE: lambda: any_of(column < slot(_low), column >= slot(_high)),
        Prefix.GT: lambda: column > slot(_value),
        Prefix.LT: lambda: column < slot(_value),
        Prefix.GE: lambda: column >= slot(_value),
        Prefix.LE: lambda: column <= slot(_value),
    }
    return ways[_SAME_AS.get(term.prefix, term.prefix)]()


_SAME_AS = {Prefix.AP: Prefix.EQ, Prefix.SA: Prefix.GT, Prefix.EB: Prefix.LT}


def _low(term: Amount) -> Decimal:
    return term.low


def _high(term: Amount) -> Decimal:
    return term.high


def _value(term: Amount) -> Decimal:
    return term.value


def _same(value: Decimal) -> Decimal:
    return value


def bound_of(term: Amount, q: Question, convert: Convert = _same) -> Bound:
    """The term's numbers in another unit, as slots."""
    return lambda of: q.bind(term, lambda t: convert(of(t)))


def by_unit(unit: Column, term: Amount, q: Question) -> Bound:
    """The term's numbers in the unit that a column names; NULL where that doesn't compare."""

    def bound(of: Callable[[Amount], Decimal]) -> Column:
        slots = [(code, bound_of(term, q, convert)(of)) for code, convert in comparable(term)]
        named = [(text, slot) for code, slot in slots for text in _texts(code)]
        found: Column = case(dict(named), value=word(unit))
        return found

    return bound


def in_such_unit(unit: Column, term: Amount) -> Condition:
    """Whether a column names a unit that compares with the term's: of other rows no number is looked at."""
    return one_of(word(unit), [text for code, _ in comparable(term) for text in _texts(code)])


def _texts(code: str) -> list[Column]:
    """What a unit is called in rows. What a client calls it is bound: only our own tables are written out."""
    made = constant if ucum.convertible(code) else literal
    return [made(text) for text in ucum.texts(code)]


def comparable(term: Amount) -> Iterator[tuple[str, Convert]]:
    """(unit, value of the term's unit in that unit) for all units of the same dimension.

    A `code` without a system is the unit as shown: its UCUM code if it has one.
    """
    if term.system not in (None, "", UCUM) or term.code is None:
        return
    code = term.code if term.system == UCUM else (ucum.unit_code(term.code) or term.code)
    for conversion in ucum.convertible(code):
        yield conversion.code, conversion.apply
    if not ucum.convertible(code):
        yield code, _same
