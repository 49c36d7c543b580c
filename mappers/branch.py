"""Branches: the parts of a type that share a FROM, as one SELECT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Numeric, Select, String, case, cast, literal_column, select

from mappers.column_types import FloatText, OneOf
from mappers.from_clause import Compilation
from mappers.mapping import Part, ResourceMapping
from mappers.param_places import param_places
from mappers.query import AllOf, AnyOf, Criterion, SearchQuery
from mappers.query import Condition as Query
from mappers.scope import PartScope
from mappers.semi_joins import semi_join
from mappers.sql import Alternative, Condition, KeySet, all_of, any_of, is_always, is_never, plain, tables_of
from mappers.stored.amended import amended_keys
from mappers.terms import Ref

#: key sets of more selects are asked one by one: SQLite takes no union of more than 500
MOST_JOINED = 100


@dataclass(frozen=True)
class Order:
    """One sort expression of a branch; None: this branch has no such value (NULL)."""

    expression: ColumnElement[Any] | None
    descending: bool
    nullable: bool = True


class Branch:
    """The parts of one mapping that share a FROM, a key column and the query's sort expressions."""

    def __init__(
        self, c: Compilation, mapping: ResourceMapping, parts: Sequence[Part], query: SearchQuery
    ) -> None:
        self.c, self.mapping, self.parts, self.query = c, mapping, tuple(parts), query
        self.scopes = [PartScope(c, mapping, p) for p in parts]
        self.name = parts[0].name

    @cached_property
    def shared(self) -> list[Alternative]:
        """Conditions that all parts share: those on shared elements, the gate's, and the source's.

        In that order, in which a server asks them of a row: what is searched for leaves the fewest rows.
        """
        scope = self.scopes[0]
        found: list[Alternative] = [scope.condition(c) for c in self.query.where if self._is_shared(c)]
        found += [scope.opened(c) for c in self.gated or () if self._is_shared(c)]
        found.append(scope.part.source.where)
        return [a for a in found if not is_always(a)]

    @cached_property
    def own(self) -> list[Condition]:
        """For each part, what only it asks of a row; what opens it may differ from part to part too."""
        separate = [c for c in self.query.where if not self._is_shared(c)]
        gated = [c for c in self.gated or () if not self._is_shared(c)]
        return [
            all_of(
                s.part.where,
                *(plain(s.opened(c)) for c in gated),
                *(plain(s.condition(c)) for c in separate),
            )
            for s in self.scopes
        ]

    @cached_property
    def gated(self) -> tuple[Query, ...] | None:
        """What access control asks of every row; None: no row may be seen."""
        return self.c.access.conditions(self.mapping.resource_type)

    def _is_shared(self, condition: Any) -> bool:
        if len(self.parts) == 1:
            return True
        if isinstance(condition, AnyOf | AllOf):
            return all(self._is_shared(c) for c in condition.conditions)
        param = getattr(condition, "param", None)
        if param is None or param == "_id" or getattr(condition, "resource_type", None):
            return False
        told = {tuple(id(p.value) for p in param_places(self.mapping, part, param)) for part in self.parts}
        return len(told) == 1 and told != {()}

    @cached_property
    def possible(self) -> bool:
        """Whether any row can match: False prunes the branch before any SQL."""
        if self.gated is None or any(is_never(a) for a in self.shared):
            return False
        return any(not is_never(c) for c in self.own)

    @cached_property
    def where(self) -> list[Condition]:
        """Everything a row must fulfil, joins of key sets apart."""
        plainly = [a for a in self.shared if not self._joinable(a)]
        specific = any_of(*self.own)
        exactly = [k.exactly for k in self.key_sets if k.exactly is not None]
        found = [self._codes_first(plain(a)) for a in plainly] + [*exactly, specific, self._which]
        return [c for c in found if not is_always(c)]

    @cached_property
    def sent(self) -> Mapping[str, Select[Any]]:
        """For each sort key that some rows tell otherwise than their columns do, the keys of those rows."""
        names = [s.param for s in self.query.sort if (self.name, s.param) in self.c.amended]
        return {n: amended_keys(self.mapping, self.parts[0], n).correlate(None) for n in names}

    @property
    def _which(self) -> Condition:
        """Rows that are ordered by what clients have sent are another branch: no index orders them."""
        return all_of(*(self.key.not_in(keys) for keys in self.sent.values()))

    def _codes_first(self, condition: Condition) -> Condition:
        """A code of a master's as the keys of its rows, looked up first where nothing else leads to few rows.

        Of keys that it sees a server knows how many rows they have and that an index finds them with a date;
        of a sub-select it may think that a walk through the whole table fills the page sooner.
        """
        found = None if self._led_by_key else semi_join(condition)
        if found is None or tables_of(found.own) != {self.base} or not found.is_equal:
            return condition
        keys = select(found.target).select_from(found.source).where(found.condition)
        listed: Condition = found.own.op("IN", is_comparison=True)(self.c.slots.looked_up(keys))
        return listed

    @cached_property
    def _led_by_key(self) -> bool:
        """Whether the query names the rows that it wants, or the one whose they are."""
        asked = [c for c in (*self.query.where, *(self.gated or ())) if isinstance(c, Criterion)]
        return any(isinstance(t, Ref) for c in asked if not c.modifier for t in c.terms)

    @cached_property
    def key_sets(self) -> list[KeySet]:
        """Key sets of several selects: joined as a union of keys (as INs they are walked row by row)."""
        return [a for a in self.shared if isinstance(a, KeySet) and self._joinable(a)]

    @staticmethod
    def _joinable(alternative: Alternative) -> bool:
        return isinstance(alternative, KeySet) and 1 < len(alternative.selects) <= MOST_JOINED

    @cached_property
    def mask(self) -> ColumnElement[Any]:
        """A bit for each part that the row is: 1, 2, 4 …"""
        if len(self.parts) == 1:
            return literal_column("1")
        terms = [(i, c) for i, c in enumerate(self.own) if not is_never(c)]
        bits = [
            literal_column(str(1 << i))
            if is_always(c)
            else case((c, literal_column(str(1 << i))), else_=literal_column("0"))
            for i, c in terms
        ]
        total: ColumnElement[Any] = bits[0]
        for bit in bits[1:]:
            total = total + bit
        return total

    @cached_property
    def orders(self) -> list[Order]:
        """The sort expressions, in order."""
        return [self._order(s.param, s.descending) for s in self.query.sort]

    def _order(self, param: str, descending: bool) -> Order:
        """A joined row may be missing, so that only an own NOT NULL column is never NULL."""
        found = sort_expression(self.mapping, self.parts[0], param)
        own = getattr(found, "table", None) is self.parts[0].source.table
        nullable = not own or bool(getattr(found, "nullable", True))
        return Order(found if found is None else steady(found), descending, nullable)

    def order_by(self, columns: Sequence[str]) -> None:
        """Orders the rows by columns of the base table, upwards."""
        found = [self.base.c[name] for name in columns]
        self.orders = [Order(c, descending=False, nullable=bool(c.nullable)) for c in found]

    @property
    def base(self) -> Any:
        """The table whose rows the resources are."""
        return self.scopes[0].base

    @property
    def key(self) -> ColumnElement[Any]:
        """The native key's column."""
        return self.parts[0].id.column


class BranchAsSent(Branch):
    """The few rows of a branch that are ordered by what clients have sent of them."""

    @property
    def _which(self) -> Condition:
        return any_of(*(self.key.in_(keys) for keys in self.sent.values()))

    def _order(self, param: str, descending: bool) -> Order:
        own = super()._order(param, descending)
        if param not in self.sent:
            return own
        told = self._told(param)
        if len(self.sent) > 1:  # of another sort key the row may say what its columns do
            told = case((self.key.in_(self.sent[param]), told), else_=own.expression)
        return Order(told, descending)

    def _told(self, param: str) -> Any:
        """What is sorted by of what was sent."""
        beside = self.parts[0].amended
        assert beside is not None
        key: Any = beside.indexed[param].sort_key()
        held = select(key).select_from(beside.source.table).where(beside.source.where)
        return held.where(beside.id.column == self.key).correlate(self.base).scalar_subquery()


def steady(expression: ColumnElement[Any]) -> ColumnElement[Any]:
    """What orders and compares alike: an ENUM is ordered by its places, a FLOAT equals no text of it."""
    if isinstance(expression.type, OneOf):
        return cast(expression, String())
    return cast(expression, Numeric(38, 12)) if isinstance(expression.type, FloatText) else expression


def sort_expression(mapping: ResourceMapping, part: Part, param: str) -> ColumnElement[Any] | None:
    """What a part is ordered by for a sort key; None where it has nothing to order by."""
    if param == "_id":
        return part.id.column
    if (indexed := part.indexed.get(param)) is not None:
        return indexed.sort_key()
    for place in param_places(mapping, part, param):
        if not place.inside or not any(hasattr(c, "link") for c in place.inside):
            found = place.value.sort_key()
            if found is not None:
                return found
    return None


@lru_cache(4096)
def has_order(mapping: ResourceMapping, param: str) -> bool:
    """Whether any part of a mapping can be ordered by a sort key."""
    return any(sort_expression(mapping, part, param) is not None for part in mapping.parts)


def groups(mapping: ResourceMapping, query: SearchQuery | None = None) -> Iterator[list[Part]]:
    """The mapping's parts, those together that share source, key and the query's sort expressions."""
    found: dict[tuple[int, ...], list[Part]] = {}
    for part in mapping.parts:
        sorts = [sort_expression(mapping, part, s.param) for s in query.sort] if query else []
        found.setdefault((id(part.source), id(part.id.column), *(id(s) for s in sorts)), []).append(part)
    yield from found.values()
