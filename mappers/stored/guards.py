"""Guards of amended rows, carried over while a column is sealed or opened: what it says stays what it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, inspect, select, update

from mappers.facade.tables import fhir_amended, fhir_resource
from mappers.mapping import Part, ResourceMapping
from mappers.stored.amended import guard, guard_columns, held_key

R, A = fhir_resource.c, fhir_amended.c


@dataclass(frozen=True, eq=False)
class _Guarded:
    """A parameter of a part whose guard is made of the column, among others."""

    part: Part
    param: str
    columns: Sequence[Any]


#: a guard that still held before its row was changed: which, and the row in `fhir_resource`
Mark = tuple[_Guarded, int]


class Guards:
    """The guards that are made of one column."""

    def __init__(self, mappings: Mapping[str, ResourceMapping], table: str, column: str) -> None:
        parts = ((m, p) for m in mappings.values() for p in m.parts if _name(p) == table)
        found = (each for mapping, part in parts for each in _guarded(mapping, part))
        self._guarded = [g for g in found if column in [c.name for c in g.columns]]

    def held(self, connection: Connection, keys: Sequence[tuple[Any, ...]]) -> list[Mark]:
        """Those of rows with these keys that hold now. The rows are locked, so that nobody changes them."""
        if not self._guarded or not inspect(connection).has_table(fhir_amended.name):
            return []
        return [(each, int(row[0])) for each in self._guarded for row in self._of(connection, each, keys)]

    @staticmethod
    def _of(connection: Connection, each: _Guarded, keys: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        own, held = each.part.source.table, held_key(each.part)
        joined = fhir_resource.join(fhir_amended, A.resource == R.id).join(own, each.part.id.column == held)
        wanted = select(A.resource).select_from(joined).where(A.part == each.part.name, A.param == each.param)
        mine = wanted.where(held.in_([key[0] for key in keys]), A.guard == guard(each.columns))
        return connection.execute(mine).all()

    @staticmethod
    def renew(connection: Connection, marks: Sequence[Mark]) -> None:
        """Makes them hold again."""
        for each, resource in marks:
            own, held = each.part.source.table, held_key(each.part)
            now = select(guard(each.columns)).select_from(
                fhir_resource.join(own, each.part.id.column == held)
            )
            connection.execute(
                update(fhir_amended)
                .where(A.resource == resource, A.param == each.param)
                .values(guard=now.where(R.id == resource).scalar_subquery())
            )


def _name(part: Part) -> str:
    return str(part.source.table.name)  # type: ignore[attr-defined]


def _guarded(mapping: ResourceMapping, part: Part) -> Iterator[_Guarded]:
    for param in part.amended.indexed if part.amended else ():
        if param in mapping.params:
            yield _Guarded(part, param, guard_columns(mapping, part, param))
