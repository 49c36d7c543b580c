"""The order in which an index yields what a search without `_sort` asks for: the page is then the first rows
of the index, wherever in the table they stand.

By key, a server walks through the table until the page is full, and where keys grow with time through all the
years before the one that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, Column, Integer, Select, String
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList

from mappers.branch import Branch, sort_expression
from mappers.column_types import TemporalText
from mappers.query import AllOf, AnyOf, Chained, Criterion, Has
from mappers.query import Condition as Query
from mappers.reach import schema_of
from mappers.sql import Condition, bare
from mappers.terms import Ref, Token

#: the columns of each index, by (schema, table), in lower case, as far as they are held whole and upwards
Indexes = Mapping[tuple[str, str], Sequence[tuple[str, ...]]]
_LISTS = (operators.eq, operators.in_op)
_RANGES = (operators.ge, operators.gt, operators.le, operators.lt)


def index_order(branch: Branch, indexes: Indexes) -> tuple[str, ...]:
    """The columns to order by: those before the last are asked to be one of some values, the last to lie in a
    stretch of time. None where no index serves, or few rows are wanted anyhow.
    """
    table, held = branch.base, indexes.get((schema_of(branch.base), str(branch.base.name)))
    led = any(_leads(c) for c in (*branch.query.where, *(branch.gated or ())))
    if not held or led or not getattr(branch.key, "primary_key", False) or not _few_codes(branch):
        return ()
    asked = [c for condition in branch.where for c in _each(condition)]
    equal = {c.name.lower(): c.name for c in _compared(asked, table, _is_listed) if _orders(c)}
    within = {c.name.lower(): c.name for c in _compared(asked, table, _is_range) if _lasts(branch, c)}
    served = (found for columns in held for found in _served(columns, equal, within))
    return tuple((equal | within)[column] for column in max(served, key=len, default=()))


def _served(
    columns: Sequence[str], equal: Container[str], within: Container[str]
) -> Iterator[tuple[str, ...]]:
    for size, column in enumerate(columns, 1):
        if column in within:
            yield tuple(columns[:size])
        if column not in equal:
            return


def _leads(condition: Query) -> bool:
    """Whether a condition leads to rows by what they refer to: the server knows that these are few."""
    if isinstance(condition, AnyOf | AllOf):
        return any(map(_leads, condition.conditions))
    named = isinstance(condition, Criterion) and any(isinstance(t, Ref) for t in condition.terms)
    return named or isinstance(condition, Chained | Has)


def _few_codes(branch: Branch) -> bool:
    """Whether each code is named: of all codes of a system there may be more than can be listed."""
    return all(t.code is not None for c in branch.query.where for t in c.flat() if isinstance(t, Token))


def _each(condition: Condition) -> Iterator[Any]:
    found = bare(condition)
    if isinstance(found, BooleanClauseList) and found.operator is operators.and_:
        for clause in found.clauses:
            yield from _each(clause)
    else:
        yield found


def _compared(asked: Sequence[Any], table: Any, how: Callable[[Any], bool]) -> Iterator[Column[Any]]:
    for found in asked:
        own = isinstance(found, BinaryExpression) and isinstance(found.left, Column)
        if own and found.left.table is table and how(found):
            yield found.left


def _is_range(found: BinaryExpression[Any]) -> bool:
    return found.operator in _RANGES and isinstance(found.right, BindParameter)


def _is_listed(found: BinaryExpression[Any]) -> bool:
    """Whether values are named; IN of keys that are looked up first is an operator of its own."""
    among = found.operator in _LISTS or getattr(found.operator, "opstring", "") == "IN"
    return among and not any(isinstance(e, Select | Column) for e in visitors.iterate(found.right))


def _orders(column: Column[Any]) -> bool:
    """Whether rows come from an index as a cursor compares them (an ENUM is ordered by its places)."""
    return isinstance(column.type, String | Integer)


def _lasts(branch: Branch, column: Column[Any]) -> bool:
    """Whether it is a time that rows keep: one that every change moves would move rows between pages."""
    changed = sort_expression(branch.mapping, branch.parts[0], "_lastUpdated")
    return isinstance(column.type, TemporalText) and column is not changed
