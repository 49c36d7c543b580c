"""Writing resources that are kept whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update

from mappers.facade.tables import fhir_index, fhir_resource
from mappers.mapping import Part
from mappers.statement import Slots, compiled
from mappers.stored.content import Resource, body_of, dumps
from mappers.stored.places import of_whole
from mappers.stored.search_values import INDEXED, Found, SearchValues
from mappers.transaction import Transaction

R, I = fhir_resource.c, fhir_index.c  # noqa: E741 - as the other tables' initials
#: rows of the index that one statement takes
ROWS = 200
COLUMNS = (
    *("system", "value", "words", "number", "low", "high"),
    *("target_part", "target_int", "target_text", "of_system", "of_code"),
)


class NativeRows:
    """`fhir_resource` and `fhir_index` within a transaction; `now` is the site's time."""

    def __init__(self, t: Transaction, values: SearchValues, now: str) -> None:
        self.t, self.values, self.now = t, values, now

    async def create(self, part: Part, resource: Resource) -> Any:
        """The key that the new resource got."""
        written = await self.t.execute(
            insert(fhir_resource).values(
                resource_type=resource["resourceType"],
                part="",
                version=1,
                last_updated=self.now,
                deleted=0,
                indexed=INDEXED,
                content=None if self.t.at_rest.sealing else dumps(body_of(resource)),
            )
        )
        if self.t.at_rest.sealing:  # bound to a key that wasn't known before
            content = self._content(written.key, resource)
            await self.t.execute(update(fhir_resource).where(R.id == written.key).values(content=content))
        await insert_index(self.t, self._index_rows(written.key, resource))
        return written.key

    async def update(self, part: Part, key: Any, resource: Resource) -> None:
        """Writes over what is there; a deleted one is there again."""
        await self._next(key, deleted=0, content=self._content(key, resource))
        await self.index_again(key, resource)

    async def index_again(self, key: Any, resource: Resource) -> None:
        """It is searched by what it says now, and by nothing else."""
        rows = self._index_rows(key, resource)
        await self.unindex(key)
        await insert_index(self.t, rows)

    async def unindex(self, key: Any) -> None:
        """It is searched by nothing."""
        await self.t.execute(delete(fhir_index).where(I.resource == key))

    def _content(self, key: Any, resource: Resource) -> str:
        return self.t.at_rest.kept(dumps(body_of(resource)), of_whole(key))

    async def delete(self, part: Part, key: Any) -> str:
        """Leaves a tombstone; its version."""
        await self._next(key, deleted=1, content=None)
        await self.unindex(key)
        version, _ = await self._state(R.id == key)
        return str(version)

    async def state(self, resource_type: str, key: Any, *, lock: bool = False) -> tuple[int, bool]:
        """(version, whether it is deleted); version 0 where there never was such a resource."""
        return await self._state(R.id == key, R.part == "", R.resource_type == resource_type, lock=lock)

    async def _state(self, *conditions: Any, lock: bool = False) -> tuple[int, bool]:
        found: Any = select(R.version, R.deleted).where(*conditions)
        if lock:
            found = found.with_for_update()
        made = compiled(found, self.t.dialect, Slots(()), {})
        rows = await self.t.fetch(made.sql, made.parameters((), {}))
        return (int(rows[0][0]), bool(int(rows[0][1]))) if rows else (0, False)

    async def _next(self, key: Any, **columns: Any) -> None:
        await self.t.execute(
            update(fhir_resource)
            .where(R.id == key)
            .values(version=R.version + 1, last_updated=self.now, indexed=INDEXED, **columns)
        )

    def _index_rows(self, key: Any, resource: Resource) -> list[dict[str, Any]]:
        kind = resource["resourceType"]
        return [index_row(key, kind, name, found) for name, found in self.values.of(resource)]


async def insert_index(t: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    """Writes rows of the index."""
    for start in range(0, len(rows), ROWS):
        await t.execute(insert(fhir_index).values(rows[start : start + ROWS]))


def index_row(key: Any, resource_type: str, param: str, found: Found) -> dict[str, Any]:
    """A search value as a row of the index."""
    told = {name: found.get(name) for name in COLUMNS}
    return {"resource": key, "resource_type": resource_type, "param": param, **told}
