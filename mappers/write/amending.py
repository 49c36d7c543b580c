"""What a hospital's row is searched by, where what was sent of it says otherwise than its columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select, delete, insert, select

from mappers.engine import Engine
from mappers.facade.tables import fhir_amended, fhir_index, fhir_resource
from mappers.mapping import Part, ResourceMapping
from mappers.reader import Reader, Resource
from mappers.statement import Slots, Statement
from mappers.stored.amended import held_key, told_by
from mappers.stored.resident_number import without_resident_number
from mappers.stored.search_values import Found, SearchValues
from mappers.value import Row
from mappers.write.native import index_row, insert_index
from mappers.write.table_rows import TableRows

R = fhir_resource.c


class Amending:
    """`fhir_amended` and what it needs of `fhir_index`, within a transaction."""

    def __init__(self, engine: Engine, rows: TableRows, values: SearchValues) -> None:
        self.engine, self.rows, self.values = engine, rows, values

    async def amend(self, part: Part, key: Any, sent: Resource, told: Resource) -> None:
        """Keeps what is searched of what was sent, wherever the columns answer otherwise; nothing else."""
        kept = await self._kept(part, key)
        mapping, values = self.mapping(part), self.values.values
        differing = {
            name: found
            for name in (part.amended.indexed if part.amended else ())
            if (found := values(mapping, name, sent)) != values(mapping, name, told)
        }
        guards = {name: await self._guard(part, key, name) for name in differing}
        await self._forget(kept)
        for name, found in differing.items():
            await self._amend_one(part, kept, name, found, guards[name])

    async def amend_again(self, part: Part, key: Any) -> None:
        """The same of what is kept beside the row by now. Raises DirtyRowError where it can't be told."""
        found = await self.read_back(part, key)
        if found is None:  # the hospital has taken the row away
            await self.forget(part, key)
            return
        reader, row = found
        assert reader.rest is not None
        named = {"resourceType": self.mapping(part).resource_type}
        told = self.told(reader, row) | named
        sent = {**told, "meta": {}}
        reader.rest.apply(row, sent)
        await self.amend(part, key, without_resident_number(sent), told)

    async def forget(self, part: Part, key: Any) -> None:
        """It is searched by its columns alone."""
        await self._forget(await self._kept(part, key))

    async def read_back(self, part: Part, key: Any) -> tuple[Reader, Row] | None:
        """The row as it is now, with all that belongs to it; None where there is none."""
        reader = self.engine.plans.reader_of(self.mapping(part), part)
        rows = await self.engine.whole.by_keys(reader, [key])
        if not rows:
            return None
        whole = (await self.engine.whole.with_children(reader, {key: rows[0]}))[key]
        return reader, reader.columns.opened(whole)

    def told(self, reader: Reader, row: Row) -> Resource:
        """The elements that the row's columns alone tell, but for a resident number."""
        shape = ("told", reader.mapping.resource_type, reader.parts[0].name)
        read: Callable[[Row], Resource] = self.engine.plans.cached(shape, reader.told_by_columns)
        return without_resident_number(read(row))

    def mapping(self, part: Part) -> ResourceMapping:
        """The mapping that the part is of."""
        return next(m for m in self.engine.mappings.values() if part in m.parts)

    async def _kept(self, part: Part, key: Any) -> int:
        [(kept,)] = await self.rows.fetch(select(R.id).where(*beside(part, key)))
        return int(kept)

    async def _guard(self, part: Part, key: Any, name: str) -> str:
        plans, mapping = self.engine.plans, self.mapping(part)
        shape = ("guard", mapping.resource_type, part.name, name)
        found: Statement = plans.cached(shape, lambda: plans.text(*_guard_of(mapping, part, name)))
        [(guard,)] = await self.rows.t.fetch(found.sql, found.parameters((), {"key": key}))
        return str(guard)

    async def _forget(self, place: int) -> None:
        for table in (fhir_index, fhir_amended):
            await self.rows.t.execute(delete(table).where(table.c.resource == place))

    async def _amend_one(self, part: Part, place: int, name: str, sent: Sequence[Found], guard: str) -> None:
        amended = {"resource": place, "param": name, "part": part.name, "guard": guard}
        await self.rows.t.execute(insert(fhir_amended).values(amended))
        kind = self.mapping(part).resource_type
        await insert_index(self.rows.t, [index_row(place, kind, name, found) for found in sent])
        self.engine.plans.amended.add(part.name, name)


def _guard_of(mapping: ResourceMapping, part: Part, name: str) -> tuple[Select[Any], Slots]:
    """What asks for the guard of a parameter of the row :key."""
    slots, told = Slots(()), told_by(mapping, part, name)
    found = select(told.guard).select_from(told.joined(part.source.table))
    return found.where(part.id.column == slots.named("key")), slots


def beside(part: Part, key: Any) -> tuple[Any, ...]:
    """What finds the row of `fhir_resource` that is kept beside a part's row."""
    return R.part == part.name, held_key(part) == key
