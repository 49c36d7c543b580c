"""Values under a condition, and the two sides of it: a pair of SQL and of a test of a row."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import func

from mappers.spelled import Spelled, spelled, when
from mappers.sql import Alternative, Condition, all_of, negate, one_of, plain, word
from mappers.terms import Term
from mappers.value import Cells, Column, Columns, Question, Read, Value, Writing
from mappers.values.text import clean

Sides = tuple[Condition, Callable[[Columns], Read]]


class When(Value):
    """A value that is there only for rows that fulfil a condition on their own columns."""

    def __init__(self, condition: Condition, test: Callable[[Columns], Read], value: Value) -> None:
        self.condition, self.test, self.value = condition, test, value
        self.folds, self.of_systems = value.folds, value.of_systems
        self.takes, self.fhir_type, self.joins = value.takes, value.fhir_type, value.joins

    def reader(self, columns: Columns) -> Read:
        return when(self.test(columns), self.value.reader(columns))

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        return [all_of(q.near(self.condition), plain(a)) for a in self.value.matches(term, q)]

    def matches_text(self, term: Term, q: Question) -> list[Alternative]:
        return [all_of(q.near(self.condition), plain(a)) for a in self.value.matches_text(term, q)]

    def present(self) -> Condition:
        return all_of(self.condition, self.value.present())

    def written(self, said: Any, w: Writing) -> Cells | None:
        return self.value.written(said, w)


def word_is(column: Column, *words: str) -> Sides:
    """The two sides of `When`: the column is one of some words."""
    lowered = frozenset(w.lower() for w in words)

    def test(columns: Columns) -> Read:
        place = columns.at(column)
        return lambda row: (clean(row[place]) or "").lower() in lowered

    return one_of(word(column), words), test


def flag_is(column: Column, wanted: bool) -> Sides:
    """The two sides of `When`: the flag is set (or, if `wanted` is False, isn't)."""

    def test(columns: Columns) -> Read:
        place = columns.at(column)
        return lambda row: (str(row[place] or 0) not in ("0", "")) is wanted

    return (column != 0 if wanted else column == 0), test


def there_is(value: Value) -> Sides:
    """A value is there."""
    value.asked_again = True

    def test(columns: Columns) -> Read:
        found = spelled(columns.reader(value))
        return Spelled([*found.lines, "value = value is not None"], found.used)

    return value.present(), test


def unless(sides: Sides) -> Sides:
    """A condition does not hold (nor can't be told)."""
    condition, inner = sides

    def test(columns: Columns) -> Read:
        holds = spelled(inner(columns))
        return Spelled([*holds.lines, "value = not value"], holds.used)

    return negate(condition), test


def both(first: Sides, second: Sides) -> Sides:
    """Two conditions hold."""

    def test(columns: Columns) -> Read:
        one, other = first[1](columns), second[1](columns)
        return lambda row: one(row) and other(row)

    return first[0] & second[0], test


def looks_like(column: Column, pattern: str) -> Sides:
    """A text column as a whole matches a regular expression (of the plain kind that every server knows)."""
    whole = re.compile(pattern)

    def test(columns: Columns) -> Read:
        place = columns.at(column)
        return lambda row: whole.fullmatch(clean(row[place]) or "") is not None

    return column.regexp_match(f"^{pattern}$"), test


def same_text(*pairs: tuple[Column, Column]) -> Sides:
    """Two columns each say the same (blank and NULL alike)."""

    def test(columns: Columns) -> Read:
        places = [(columns.at(one), columns.at(other)) for one, other in pairs]
        return lambda row: all(clean(row[one]) == clean(row[other]) for one, other in places)

    trimmed = [(_plain(one), _plain(other)) for one, other in pairs]
    return all_of(*(one == other for one, other in trimmed)), test


def _plain(column: Column) -> Column:
    return func.trim(func.coalesce(column, ""))
