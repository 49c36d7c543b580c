"""The two sides of `When` for conditions beyond words and flags: a pair of SQL and of a test of a row."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy import func

from mappers.sql import Condition, all_of, negate
from mappers.value import Column, Columns, Read, Value
from mappers.values.text import clean

Sides = tuple[Condition, Callable[[Columns], Read]]


def there_is(value: Value) -> Sides:
    """A value is there."""
    value.asked_again = True

    def test(columns: Columns) -> Read:
        read = columns.reader(value)
        return lambda row: read(row) is not None

    return value.present(), test


def unless(sides: Sides) -> Sides:
    """A condition does not hold (nor can't be told)."""
    condition, inner = sides

    def test(columns: Columns) -> Read:
        holds = inner(columns)
        return lambda row: not holds(row)

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
