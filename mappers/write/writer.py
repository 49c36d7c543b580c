"""The writer: what becomes of a resource that a client creates, updates or deletes, within one transaction.

A new resource goes to its type's part in the CDSS if it has a writable one, else it is kept as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mappers.engine import Engine
from mappers.mapping import Part, ResourceMapping
from mappers.query import UNRESTRICTED
from mappers.reader import Resource, Unreadable
from mappers.stored.search_values import SearchValues
from mappers.stored.values import stamp
from mappers.transaction import Transaction
from mappers.write import faults, history
from mappers.write.history import Author, Version
from mappers.write.native import NativeRows


@dataclass(frozen=True)
class Deleted:
    """A resource that is gone, and the version that says so."""

    version_id: str


class Writer:
    """Writes within a transaction. `engine` reads within it; access is asked by whoever calls."""

    def __init__(self, engine: Engine, t: Transaction, values: SearchValues, author: Author) -> None:
        self.engine, self.t, self.author = engine, t, author
        self.now = stamp(engine.site, datetime.now(UTC))
        self.native = NativeRows(t, values, self.now)

    async def create(self, resource_type: str, resource: Resource, method: str = "POST") -> Resource:
        """The resource as it can be read from now on; its id is ours to give. Raises WriteFault."""
        part = writable_part(self.engine.mappings[resource_type])
        key = await self.native.create(part, resource)
        return await self._kept(resource_type, part, key, method)

    async def update(
        self,
        resource_type: str,
        id_: str,
        resource: Resource,
        if_match: str | None = None,
        method: str = "PUT",
    ) -> Resource:
        """The resource as it can be read from now on; `if_match`: the version that it must have.

        Raises WriteFault.
        """
        part, key = self._place(resource_type, id_)
        version, _ = await self.native.state(key, lock=True)
        if not version:
            raise faults.absent(resource_type, id_)
        _match(if_match, str(version))
        await self.native.update(part, key, resource)
        return await self._kept(resource_type, part, key, method)

    async def delete(self, resource_type: str, id_: str, if_match: str | None = None) -> Deleted | None:
        """Takes a resource away; None where it was gone before. Raises WriteFault."""
        part, key = self._place(resource_type, id_)
        version, gone = await self.native.state(key, lock=True)
        if not version:
            raise faults.absent(resource_type, id_)
        if gone:
            return None
        _match(if_match, str(version))
        found = Deleted(await self.native.delete(part, key))
        told = Version(0, resource_type, id_, found.version_id, self.now, "DELETE", None)
        await history.keep(self.t, self.author, told)
        return found

    async def tombstone(self, resource_type: str, id_: str) -> bool:
        """Whether there was such a resource, and a client deleted it."""
        found = self.engine.mappings[resource_type].resolve(id_)
        return found is not None and found[0].native and (await self.native.state(found[1]))[1]

    def _place(self, resource_type: str, id_: str) -> tuple[Part, Any]:
        found = self.engine.mappings[resource_type].resolve(id_)
        if found is None:
            raise faults.absent(resource_type, id_)
        part, key = found
        if not part.native:
            raise faults.read_only(resource_type, part.read_only_because or "its rows are others'")
        return part, key

    async def _kept(self, resource_type: str, part: Part, key: Any, method: str) -> Resource:
        """The resource as it is now, kept as a version."""
        id_ = part.id.text(key) or ""
        found = await self.engine.read(resource_type, id_, UNRESTRICTED)
        if found is None or isinstance(found, Unreadable):
            raise faults.WriteFault(500, "exception", "what was written can't be read back")
        told = Version(0, resource_type, id_, found["meta"]["versionId"], self.now, method, found)
        await history.keep(self.t, self.author, told)
        return found


def writable_part(mapping: ResourceMapping) -> Part:
    """Where a new resource of the type goes; raises WriteFault 405 where it can go nowhere."""
    for part in mapping.parts:
        if part.native:
            return part
    reasons = dict.fromkeys(p.read_only_because for p in mapping.parts if p.read_only_because)
    raise faults.read_only(mapping.resource_type, " ".join(reasons) or "its rows are others'")


def _match(wanted: str | None, current: str) -> None:
    if wanted is not None and wanted != current:
        raise faults.outdated(current)
