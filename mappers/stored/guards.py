"""Guards of amended rows, carried over while a column is sealed or opened: what it says stays what it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, inspect, select, update

from mappers.facade.tables import fhir_amended, fhir_resource
from mappers.mapping import Part, ResourceMapping
from mappers.sql import Condition, any_of
from mappers.stored.amended import HALF, Told, held_key, told_by
from mappers.stored.told import Belonging

R, A = fhir_resource.c, fhir_amended.c


@dataclass(frozen=True, eq=False)
class _Guarded:
    """A parameter of a part whose guard is made of the column, among others (in its first half: the hospital
    seals what is its own).

    `tables`: where the column's table is joined; `lists`: where its rows are child rows.
    """

    part: Part
    param: str
    told: Told
    tables: Sequence[Any]
    lists: Sequence[Belonging]

    def rows(self, *columns: Any) -> Select[Any]:
        """Columns of the rows that are amended for it."""
        own, key = self.part.source.table, self.part.id.column
        kept = fhir_resource.join(fhir_amended, A.resource == R.id).join(own, key == held_key(self.part))
        found = select(*columns).select_from(self.told.joined(kept, here=True))
        return found.where(A.part == self.part.name, A.param == self.param)

    def made_of(self, keys: Sequence[Any]) -> Condition:
        """That a row, or what belongs to it, has one of these keys."""
        own = (_key(table).in_(keys) for table in self.tables)
        return any_of(
            *own, *(each.children.around(_key(each.children.table).in_(keys)) for each in self.lists)
        )


#: a guard that still held before its row was changed: which, and the row in `fhir_resource`
Mark = tuple[_Guarded, int]


class Guards:
    """The guards that are made of one column."""

    def __init__(self, mappings: Mapping[str, ResourceMapping], table: str, column: str) -> None:
        params = ((m, p, name) for m in mappings.values() for p in m.parts for name in _params(m, p))
        found = (_guarded(*each, (table, column)) for each in params)
        self._guarded = [g for g in found if g.tables or g.lists]

    def held(self, connection: Connection, keys: Sequence[tuple[Any, ...]]) -> list[Mark]:
        """Those of rows with these keys that hold now. The rows are locked, so that nobody changes them."""
        if not self._guarded or not inspect(connection).has_table(fhir_amended.name):
            return []
        named = [key[0] for key in keys]
        return [(g, int(row[0])) for g in self._guarded for row in connection.execute(_holding(g, named))]

    @staticmethod
    def renew(connection: Connection, marks: Sequence[Mark]) -> None:
        """Makes them hold again."""
        for each, resource in marks:
            now = each.told.here.concat(func.substr(A.guard, HALF + 1))
            [(guard,)] = connection.execute(each.rows(now).where(A.resource == resource))
            mine = (A.resource == resource, A.param == each.param)
            connection.execute(update(fhir_amended).where(*mine).values(guard=guard))


def _holding(each: _Guarded, keys: Sequence[Any]) -> Select[Any]:
    held = each.rows(A.resource).where(func.substr(A.guard, 1, HALF) == each.told.here, each.made_of(keys))
    return held.with_for_update()


def _params(mapping: ResourceMapping, part: Part) -> Iterator[str]:
    yield from (p for p in (part.amended.indexed if part.amended else ()) if p in mapping.params)


def _guarded(mapping: ResourceMapping, part: Part, param: str, name: tuple[str, str]) -> _Guarded:
    told = told_by(mapping, part, param)
    tables = list({id(c.table): c.table for c in told.columns if _name(c) == name}.values())
    lists = [each for each in told.lists if any(_name(c) == name for c in each.columns)]
    return _Guarded(part, param, told, tables, lists)


def _name(column: Any) -> tuple[str, str]:
    """(table, column) behind an alias; the facade's user seals in the CDSS's schema only."""
    table = column.table
    table = getattr(table, "element", table)
    return ("" if table.schema else table.name), column.name


def _key(table: Any) -> Any:
    return next(iter(table.primary_key))
