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
from mappers.site import RESIDENT_NUMBER
from mappers.stored.resident_number import LONGEST, held_whole, resident_numbers
from mappers.stored.search_values import SearchValues
from mappers.stored.values import stamp
from mappers.transaction import Transaction
from mappers.write import faults, history
from mappers.write.history import Author, Version
from mappers.write.native import NativeRows
from mappers.write.rows import HospitalRows


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
        who = author.name if author.name.startswith("Practitioner/") else None
        self.rows = HospitalRows(engine, t, values, self.now, who)

    async def create(self, resource_type: str, resource: Resource, method: str = "POST") -> Resource:
        """The resource as it can be read from now on; its id is ours to give. Raises WriteFault."""
        part = writable_part(self.engine.mappings[resource_type])
        self._refuse_resident_number(part, resource)
        made = self.native.create if part.native else self.rows.create
        return await self._kept(resource_type, part, await made(part, resource), method)

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
        self._refuse_resident_number(part, resource)
        if part.native:
            await self._match_native(resource_type, id_, key, if_match)
            await self.native.update(part, key, resource)
        else:
            current = await self._current(resource_type, part, key, if_match)
            await self.rows.update(part, key, resource, current)
        return await self._kept(resource_type, part, key, method)

    async def delete(self, resource_type: str, id_: str, if_match: str | None = None) -> Deleted | None:
        """Takes a resource away; None where it was gone before. Raises WriteFault."""
        part, key = self._place(resource_type, id_)
        if await self.tombstone(resource_type, id_):
            return None
        if part.native:
            version = str(await self._match_native(resource_type, id_, key, if_match) + 1)
            await self.native.delete(part, key)
        else:
            current = await self._current(resource_type, part, key, if_match)
            version = f"{current['meta']['versionId']}-deleted"
            await self.rows.delete(part, key, current)
        told = Version(0, resource_type, id_, version, self.now, "DELETE", None)
        await history.keep(self.t, self.author, told)
        return Deleted(version)

    async def tombstone(self, resource_type: str, id_: str) -> bool:
        """Whether there was such a resource, and a client deleted it."""
        found = self.engine.mappings[resource_type].resolve(id_)
        if found is None:
            return False
        part, key = found
        if part.native:
            return (await self.native.state(resource_type, key))[1]
        if part.upkeep is None or not await self.rows.tombstone(part, key):
            return False
        return await self.engine.read(resource_type, id_, UNRESTRICTED) is None

    def _refuse_resident_number(self, part: Part, resource: Resource) -> None:
        """It is taken where a column holds it, from who may see it."""
        kind = resource["resourceType"]
        held = kind == "Patient" and not part.native and RESIDENT_NUMBER in self.engine.site.permits
        for path in resident_numbers(resource, kind):
            if not (held and path.startswith("Patient.identifier[")):
                text = "a resident number is kept with its patient alone, by who may see it"
                raise faults.WriteFault(422, "business-rule", text, path)
            if not held_whole(resource):
                text = (
                    f"a resident number is kept alone: one, of {LONGEST} characters at most, no use or type"
                )
                raise faults.WriteFault(422, "business-rule", text, path)

    def _place(self, resource_type: str, id_: str) -> tuple[Part, Any]:
        found = self.engine.mappings[resource_type].resolve(id_)
        if found is None:
            raise faults.absent(resource_type, id_)
        part, key = found
        if not part.native and part.upkeep is None:
            raise faults.read_only(resource_type, part.read_only_because or "its rows are others'")
        return part, key

    async def _match_native(self, resource_type: str, id_: str, key: Any, if_match: str | None) -> int:
        version, _ = await self.native.state(resource_type, key, lock=True)
        if not version:
            raise faults.absent(resource_type, id_)
        _match(if_match, str(version))
        return version

    async def _current(self, resource_type: str, part: Part, key: Any, if_match: str | None) -> Resource:
        """The resource as its row is now, held; kept as a version, if others have written it last."""
        await self.rows.lock(part, key)
        id_ = part.id.text(key) or ""
        if await self.tombstone(resource_type, id_):
            raise faults.deleted(resource_type, id_)
        current = await self.engine.read(resource_type, id_, UNRESTRICTED)
        if current is None:
            raise faults.absent(resource_type, id_)
        if isinstance(current, Unreadable):
            raise faults.WriteFault(422, "processing", f"the row as it is can't be read: {current.reason}")
        version = current["meta"]["versionId"]
        _match(if_match, version)
        if await history.version(self.t, resource_type, id_, version) is None:
            await history.keep(
                self.t, self.author, Version(0, resource_type, id_, version, self.now, "", current)
            )
        return current

    async def _kept(self, resource_type: str, part: Part, key: Any, method: str) -> Resource:
        """The resource as it is now, kept as a version."""
        id_ = part.id.text(key) or ""
        found = await self.engine.read(resource_type, id_, UNRESTRICTED)
        if found is None or isinstance(found, Unreadable):
            raise faults.WriteFault(422, "processing", _unreadable(found))
        told = Version(0, resource_type, id_, found["meta"]["versionId"], self.now, method, found)
        await history.keep(self.t, self.author, told)
        return found


def _unreadable(found: Unreadable | None) -> str:
    why = found.reason if found else "it would not be among those that are served"
    return f"what was sent can't be kept: {why}"


def writable_part(mapping: ResourceMapping) -> Part:
    """Where a new resource of the type goes; raises WriteFault 405 where it can go nowhere."""
    for part in (*(p for p in mapping.parts if p.upkeep), *(p for p in mapping.parts if p.native)):
        return part
    reasons = dict.fromkeys(p.read_only_because for p in mapping.parts if p.read_only_because)
    raise faults.read_only(mapping.resource_type, " ".join(reasons) or "its rows are others'")


def _match(wanted: str | None, current: str) -> None:
    if wanted is not None and wanted != current:
        raise faults.outdated(current)
