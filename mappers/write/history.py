"""Versions: what a resource was, each time it was written. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, insert, select

from mappers.at_rest import AtRest
from mappers.database import Database
from mappers.facade.tables import fhir_event, fhir_resource, fhir_version
from mappers.keyring import UnopenableError
from mappers.sql import exact
from mappers.statement import Slots, compiled
from mappers.stored.content import Resource, dumps, loads
from mappers.stored.places import of_version
from mappers.stored.resident_number import without_resident_number
from mappers.transaction import Transaction
from mappers.value import Row

V, R = fhir_version.c, fhir_resource.c
#: what `version_of` reads
COLUMNS = (V.id, V.resource_type, V.resource_id, V.version_id, V.recorded, V.method, V.content)
ACTIONS = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}


@dataclass(frozen=True)
class Author:
    """Who writes, and by which request."""

    name: str = ""
    client: str = ""
    request_id: str = ""


@dataclass(frozen=True)
class Version:
    """One version; `resource` is None where it was deleted. `place` orders the versions of all resources.

    `unreadable`: why what was kept of it can't be told, where it can't.
    """

    place: int
    resource_type: str
    id: str
    version_id: str
    recorded: str
    method: str
    resource: Resource | None
    unreadable: str = ""


@dataclass(frozen=True)
class Asked:
    """Which versions: of a type (of all), of one resource, after a moment (site's time), before a place."""

    resource_type: str | None = None
    id: str | None = None
    since: str | None = None
    at: str | None = None
    before: int | None = None


async def keep(t: Transaction, author: Author, version: Version) -> None:
    """Keeps a version, and tells of it as an event; one that others wrote is kept, but no event of ours."""
    content = dumps(without_resident_number(version.resource)) if version.resource is not None else None
    place = of_version(version.resource_type, version.id, version.version_id)
    await t.execute(
        insert(fhir_version).values(
            resource_type=version.resource_type,
            resource_id=version.id,
            version_id=version.version_id,
            recorded=version.recorded,
            method=version.method,
            content=t.at_rest.kept(content, place) if content is not None else None,
            author=author.name[:255] or None,
            client=author.client[:255] or None,
            request_id=author.request_id[:64] or None,
        )
    )
    if version.method in ACTIONS:
        await tell(t, author, version)


async def tell(t: Transaction, author: Author, version: Version) -> None:
    """Tells of a version as an event."""
    await t.execute(
        insert(fhir_event).values(
            recorded=version.recorded,
            action=ACTIONS[version.method],
            resource_type=version.resource_type,
            resource_id=version.id,
            version_id=version.version_id,
            request_id=author.request_id[:64] or None,
        )
    )


async def versions(database: Database, asked: Asked, limit: int) -> list[Version]:
    """Up to `limit` versions, the newest first."""
    found = _where(select(*COLUMNS), asked).order_by(V.id.desc()).limit(limit)
    rows = await rows_of(database, found)
    return [version_of(row, database.at_rest) for row in rows]


async def version(database: Database, resource_type: str, id_: str, version_id: str) -> Version | None:
    """One version of a resource; None if we don't have it."""
    found = _where(select(*COLUMNS), Asked(resource_type, id_)).where(V.version_id == exact(version_id))
    rows = await rows_of(database, found.order_by(V.id.desc()).limit(1))
    return version_of(rows[0], database.at_rest) if rows else None


async def last_told(database: Database, resource_type: str, id_: str) -> Version | None:
    """The last version that says what a resource was, before it was deleted too."""
    found = _where(select(*COLUMNS), Asked(resource_type, id_)).where(V.content.is_not(None))
    rows = await rows_of(database, found.order_by(V.id.desc()).limit(1))
    return version_of(rows[0], database.at_rest) if rows else None


def version_of(row: Row, at_rest: AtRest) -> Version:
    """What a row of `fhir_version` tells: its `COLUMNS`, in their order."""
    number, resource_type, id_, version_id, recorded, method, content = row
    place = of_version(resource_type, id_, version_id)
    resource, fault = None, ""
    try:
        resource = loads(at_rest.told(content, place)) if content is not None else None
    except UnopenableError as error:
        fault = f"version {version_id} of {resource_type}/{id_} can't be opened: {error}"
    except (ValueError, TypeError, RecursionError):
        fault = f"version {version_id} of {resource_type}/{id_} is no JSON"
    return Version(int(number), resource_type, id_, version_id, recorded, method, resource, fault)


async def count(database: Database, asked: Asked) -> int:
    """How many versions there are."""
    return int((await rows_of(database, _where(select(func.count(V.id)), asked)))[0][0])


def _where(found: Select[Any], asked: Asked) -> Select[Any]:
    if asked.resource_type is not None:
        found = found.where(V.resource_type == asked.resource_type)
    if asked.id is not None:
        found = found.where(V.resource_id == exact(asked.id))
    if asked.since is not None:
        found = found.where(V.recorded >= asked.since)
    if asked.at is not None:
        found = found.where(V.recorded <= asked.at)
    return found.where(V.id < asked.before) if asked.before is not None else found


async def rows_of(database: Database, statement: Select[Any]) -> Any:
    """The rows that a select finds."""
    made = compiled(statement, database.dialect, Slots(()), {})
    return await database.fetch(made.sql, made.parameters((), {}))
