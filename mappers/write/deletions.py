"""What clients have deleted, with the last that is known of it. https://hl7.org/fhir/R4/http.html#delete"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from mappers.database import Database
from mappers.facade.tables import fhir_version
from mappers.stored.content import Resource
from mappers.write.history import COLUMNS, rows_of, version_of

V = fhir_version.c
#: where a page of deletions ends: when the last of it was recorded, and its place
Place = tuple[str, int]


@dataclass(frozen=True)
class Deletion:
    """A resource whose last version says that it was deleted; `last` is what it was, if that can be told."""

    place: Place
    resource_type: str
    id: str
    last: Resource | None


@dataclass(frozen=True)
class Between:
    """Recorded from a moment on and before another (site's time)."""

    since: str
    before: str


async def deletions(
    database: Database, asked: Between, limit: int, after: Place | None = None
) -> list[Deletion]:
    """Up to `limit` deletions that no later version has undone, in the order of their time.

    Of all types: the index of deletions by time is the one that finds them, whatever else there is of a type.
    """
    rows = await rows_of(database, _gone(asked, after).order_by(V.recorded, V.id).limit(limit))
    known = await _known(database, [row[4] for row in rows if row[4] is not None])
    return [Deletion((row[3], int(row[0])), row[1], row[2], known.get(int(row[4] or 0))) for row in rows]


def _gone(asked: Between, after: Place | None) -> Select[Any]:
    other = fhir_version.alias("other")
    same = and_(other.c.resource_type == V.resource_type, other.c.resource_id == V.resource_id)
    last = select(func.max(other.c.id)).where(same, other.c.id < V.id, other.c.content.is_not(None))
    later = select(other.c.id).where(same, other.c.id > V.id).exists()
    found = select(V.id, V.resource_type, V.resource_id, V.recorded, last.scalar_subquery())
    found = found.where(V.method == "DELETE", V.recorded < asked.before, ~later)
    if after is None:
        return found.where(V.recorded >= asked.since)
    recorded, place = after
    return found.where(V.recorded >= recorded, or_(V.recorded > recorded, V.id > place))


async def _known(database: Database, places: Sequence[Any]) -> dict[int, Resource | None]:
    if not places:
        return {}
    rows = await rows_of(database, select(*COLUMNS).where(V.id.in_([int(p) for p in places])))
    return {int(row[0]): version_of(row, database.at_rest).resource for row in rows}
