"""A `Scope`: one FROM, the joins that may be added to it, and what value kinds ask of it.

A condition on a joined master becomes `own key IN (SELECT key …)`; references are compared key to key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, FromClause, select
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList
from sqlalchemy.sql.operators import and_, eq

from mappers.mapping import Join, Part, ResourceMapping
from mappers.query import UNRESTRICTED, Access
from mappers.site import Site
from mappers.sql import (
    NEVER,
    Alternative,
    all_of,
    any_of,
    bare,
    exact,
    holds_negation,
    negate,
    not_true,
    tables_of,
)
from mappers.sql import Condition as Sql
from mappers.statement import Slots
from mappers.terms import Ref, Term
from mappers.value import Column
from mappers.values.references import ReferenceTo, Route


@dataclass(frozen=True)
class Compilation:
    """What is the same throughout one statement; `by_row`: conditions on joined tables are asked there;
    `amended`: (part, parameter) of which some rows are searched by what clients have sent of them.
    """

    mappings: Mapping[str, ResourceMapping]
    site: Site
    slots: Slots
    access: Access = UNRESTRICTED
    by_post: bool = False
    by_row: bool = False
    amended: frozenset[tuple[str, str]] = frozenset()


class Scope:
    """A FROM: a base table and the joins that may be added to it."""

    def __init__(self, compilation: Compilation, base: FromClause, joins: Sequence[Join]) -> None:
        self.c, self.base, self.joins = compilation, base, tuple(joins)
        self.site = compilation.site
        self._by_table = {id(j.table): j for j in self.joins}

    # what value kinds ask (mappers.value.Question)

    def bind(self, term: Term, value: Callable[[Any], Any]) -> BindParameter[Any]:
        """A slot that `value(term)` fills each time the statement runs."""
        return self.c.slots.of_term(term, value)

    def sensitive(self) -> bool:
        """Whether sensitive values may be searched: the values came in a body, not in a URL."""
        return self.c.by_post

    def near(self, condition: Sql) -> Sql:
        """A condition on one joined table as a semi-join on the column that reaches it.

        What is not the case may be so because there is no joined row: a negation stays outside.
        """
        if isinstance(condition, not_true):
            return negate(self.near(condition.negated))
        if isinstance(condition, BooleanClauseList) and holds_negation(condition):
            near = [self.near(bare(c)) for c in condition.clauses]
            return all_of(*near) if condition.operator is and_ else any_of(*near)
        found = tables_of(condition)
        if len(found) != 1 or found == {self.base} or self.c.by_row:
            return condition
        join = self._by_table.get(id(next(iter(found))))
        ends = _ends(join) if join else None
        if join is None or ends is None:
            return condition
        own, target = ends
        return self.near(own.in_(select(target).where(condition).correlate(None)))

    def refers(self, reference: ReferenceTo, term: Term) -> list[Alternative]:
        """Conditions for "the reference is to exactly this resource"."""
        assert isinstance(term, Ref)
        if term.resource_type != reference.resource_type or term.part is None:
            return [NEVER]
        part = self.c.mappings[term.resource_type].by_name.get(term.part)
        return [
            self._refers(route, part, term) for route in reference.routes if part and leads(route, part)
        ] or [NEVER]

    def _refers(self, route: Route, part: Part, term: Ref) -> Sql:
        key = self.key(part, term)
        if route.target is None:
            return self.near(route.own == key)
        where = by_rest(part, all_of(part.source.where, part.where))
        source = with_joins(part.source.table, part.source.joins, where)
        sub = select(part.source.table.c[route.target]).select_from(source)
        sub = sub.where(part.id.column == key, where).correlate(None)
        led = route.own == sub.scalar_subquery()
        return self.near(all_of(led, route.id.column == key) if route.loose else led)

    def named(self, term: Ref) -> BindParameter[Any] | None:
        """A slot of the id's text; None where no part of the type can have such an id."""
        mapping = self.c.mappings.get(term.resource_type)
        part = mapping.by_name.get(term.part) if mapping and term.part else None
        if part is None:
            return None
        text = part.id.text
        return self.bind(term, lambda t: text(t.key) or "")

    def key(self, part: Part, term: Ref) -> Any:
        """The slot of a native key, to be compared with its column exactly."""
        slot = self.bind(term, lambda t: t.key)
        return slot if part.id.numeric else exact(slot)

    # FROM

    def source(self, *expressions: Any) -> FromClause:
        """The base table with those joins that the expressions need, and the joins those need."""
        return self.joined(self.base, *expressions)

    def joined(self, source: FromClause, *expressions: Any) -> FromClause:
        """Those joins behind a FROM that has the base table in it already."""
        return with_joins(source, self.joins, *expressions)


def by_rest(part: Part, condition: Sql) -> Sql:
    """A condition, which asks the rest that is joined to a row whether that is deleted: a sub-select would
    make a statement that finds one row dearer by a third.
    """
    if part.there is None:
        return condition
    by_key, joined = part.there
    if bare(condition) is by_key:
        return joined
    if isinstance(condition, BooleanClauseList) and condition.operator is and_:
        return all_of(*(by_rest(part, c) for c in condition.clauses))
    return condition


def with_joins(source: FromClause, joins: Sequence[Join], *expressions: Any) -> FromClause:
    """A FROM with those of its joins that the expressions need, and the joins those need."""
    by_table, needed = {id(j.table): j for j in joins}, set[int]()
    todo = [t for e in expressions for t in _froms(e)]
    while todo:
        join = by_table.get(id(todo.pop()))
        if join and id(join.table) not in needed:
            needed.add(id(join.table))
            todo += [*tables_of(join.on), *join.needs]
    for join in joins:
        if id(join.table) in needed:
            source = source.outerjoin(join.table, join.on)
    return source


def _froms(expression: Any) -> Iterator[Any]:
    yield from getattr(expression, "_from_objects", ())


def _ends(join: Join) -> tuple[Column, Column] | None:
    """(own column, target column) of a join ON own = target; None for any other join."""
    on = join.on
    if join.needs or not isinstance(on, BinaryExpression) or on.operator is not eq:
        return None
    left, right = on.left, on.right
    if tables_of(left) == {join.table}:
        left, right = right, left
    return (left, right) if tables_of(right) == {join.table} and join.table not in tables_of(left) else None


def leads(route: Route, part: Part) -> bool:
    """Whether a route's ids are the ids of that part."""
    return (route.id.prefix, route.id.suffix) == (part.id.prefix, part.id.suffix)
