"""history of a resource, a type, or everything. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from fhir_facade.bundle import history_bundle, url
from fhir_facade.content import Request, Response
from fhir_facade.interactions.read import refuse_no_id
from fhir_facade.interactions.vread import readable, shown
from fhir_facade.outages import outages_told
from fhir_facade.outcome import FhirFault, not_found, outcome, parameter
from fhir_facade.paging import Cursor
from fhir_facade.permitted import searchable
from fhir_facade.presence import present
from fhir_facade.service import Service, refused
from mappers.parse_terms import ValueFault, date_term
from mappers.plans import Position
from mappers.stored.values import stamp
from mappers.write.history import Asked, Version, count, versions

Resource = dict[str, Any]
#: versions that are looked through at a time, and how often, for a page of those that may be seen
LOOK, LOOKS = 200, 20


@dataclass
class History:
    """One history under way; `used` are the parameters as they are told in links."""

    service: Service
    request: Request
    path: str
    asked: Asked
    page: int = 0
    at_from: str | None = None
    used: list[tuple[str, str]] = field(default_factory=list)
    total: int | None = None


async def history_instance(service: Service, request: Request, resource_type: str, id_text: str) -> Response:
    """All versions of a resource that are known, the newest first; 404 where there never was one."""
    refuse_no_id(resource_type, id_text)
    if not service.may_read.opens(resource_type):
        raise refused(resource_type, "read")
    path = f"{resource_type}/{id_text}/_history"
    told = _read(service, request, path, Asked(resource_type, id_text))
    with outages_told():
        return await _of_one(told, resource_type, id_text)


async def _of_one(told: History, resource_type: str, id_text: str) -> Response:
    service, database = told.service, told.service.reading.database
    current = await readable(service, resource_type, id_text)
    found = await versions(database, told.asked, told.page + 1)
    whole = service.may_read.conditions(resource_type) == ()
    if current is None and (not found or not whole):
        raise not_found(f"there is no {resource_type}/{id_text}")
    more, found = len(found) > told.page > 0, found[: told.page]
    place = found[-1].place if found else 0
    if (over := _before(told, found)) is not None:
        more, found = False, found[: over + 1]
    total = await count(database, replace(told.asked, before=None))
    first = told.asked.before is None
    if current is not None and (latest := await _not_kept(told, current, found if first and found else None)):
        total += 1
        found = [latest, *found] if first and told.page else found
    access = service.may_read
    seen = [v for v in found if await shown(service, access, resource_type, v.resource, current)]
    total_told = total if whole and told.at_from is None else None
    return _bundle(told, seen, place if more else None, total_told)


def _before(told: History, found: Sequence[Version]) -> int | None:
    """Which version was there already when the time that `_at` names began: older ones are not meant."""
    begins = told.at_from
    return next((i for i, v in enumerate(found) if begins is not None and v.recorded < begins), None)


async def _not_kept(told: History, current: Resource, newest: Sequence[Version] | None) -> Version | None:
    """What is there now, where it isn't the newest version that was kept: others have written it."""
    asked = replace(told.asked, since=None, before=None)
    if newest is None or told.asked.since is not None:
        newest = await versions(told.service.reading.database, asked, 1)
    version_id, updated = current["meta"]["versionId"], current["meta"].get("lastUpdated")
    if newest and newest[0].version_id == version_id:
        return None
    moment = datetime.fromisoformat(updated) if updated else datetime.now(UTC)
    recorded = stamp(told.service.site, moment)
    since, at = told.asked.since, told.asked.at
    if (since is not None and recorded < since) or (at is not None and recorded > at):
        return None
    return Version(0, current["resourceType"], current["id"], version_id, recorded, "PUT", current)


async def history_type(service: Service, request: Request, resource_type: str) -> Response:
    """What clients wrote of a type, the newest first."""
    searchable(service, [resource_type], stated=True)
    told = _read(service, request, f"{resource_type}/_history", Asked(resource_type))
    with outages_told():
        return await _of_many(told)


async def history_system(service: Service, request: Request) -> Response:
    """What clients wrote, the newest first."""
    searchable(service, sorted(service.mappings), stated=False)
    with outages_told():
        return await _of_many(_read(service, request, "_history", Asked()))


async def _of_many(told: History) -> Response:
    """A page of what the caller sees; versions that may not be seen are passed over."""
    if not told.page:
        return _bundle(told, [], None, await _total(told, None))
    seen: list[Version] = []
    asked, last = told.asked, None
    for _ in range(LOOKS):
        found = await versions(told.service.reading.database, asked, LOOK)
        for version in await _seen(told.service, found):
            if len(seen) == told.page:
                return _bundle(told, seen, seen[-1].place, None)
            seen.append(version)
        if len(found) < LOOK:
            return _bundle(told, seen, None, await _total(told, len(seen)))
        last = found[-1].place
        asked = replace(asked, before=last)
    return _bundle(told, seen, last, None)


async def _total(told: History, seen: int | None) -> int | None:
    """How many there are, where that tells of nothing that may not be seen; `seen` are on the last page."""
    if told.asked.before is None and seen is not None:
        return seen  # the last page is the first
    kinds = [told.asked.resource_type] if told.asked.resource_type else list(told.service.mappings)
    if any(told.service.may_search.conditions(kind) != () for kind in kinds):
        return None
    return await count(told.service.reading.database, replace(told.asked, before=None))


async def _seen(service: Service, found: Sequence[Version]) -> list[Version]:
    by_type: dict[str, list[str]] = {}
    for version in found:
        if service.may_search.opens(version.resource_type) and version.resource_type in service.mappings:
            by_type.setdefault(version.resource_type, []).append(version.id)
    now = {
        (kind, id_): resource
        for kind, ids in by_type.items()
        if service.may_search.conditions(kind) != ()
        for id_, resource in (await present(service.searching, kind, ids)).items()
    }
    return [v for v in found if v.resource_type in by_type and await _visible(service, v, now)]


async def _visible(service: Service, version: Version, now: dict[tuple[str, str], Resource]) -> bool:
    current = now.get((version.resource_type, version.id))
    return await shown(service, service.may_search, version.resource_type, version.resource, current)


# what is asked, and the answer


def _read(service: Service, request: Request, path: str, asked: Asked) -> History:
    """The parameters; raises 400 for others, or for times that are none."""
    told = History(service, request, path, asked, service.settings.page_size)
    pairs, cursor = request.parameters, next((v for n, v in request.parameters if n == "_cursor"), None)
    if cursor is not None:
        opened = service.cursors.open(cursor, service.binding)
        if opened.path != path or opened.position is None:
            raise parameter("_cursor", "this page link belongs to another history")
        pairs = list(opened.parameters)
        told.asked = replace(told.asked, before=int(opened.position.key))
    for name, value in pairs:
        _take(told, name, value)
        told.used.append((name, value))
    return told


def _take(told: History, name: str, value: str) -> None:
    if name == "_count":
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            raise parameter("_count", "_count is a number, 0 or more")
        told.page = min(int(value), told.service.settings.page_size_limit)
    elif name == "_since":
        told.asked = replace(told.asked, since=_moment(told, name, value)[0])
    elif name == "_at" and told.asked.id is not None:
        told.at_from, end = _moment(told, name, value)
        told.asked = replace(told.asked, at=end)
    else:
        valid = "_count, _since, _at" if told.asked.id is not None else "_count, _since"
        raise parameter(name, f"a history takes {valid}, not {name[:60]!r}", "not-supported")


def _moment(told: History, name: str, value: str) -> tuple[str, str]:
    """A stretch of time as histories are kept: the site's."""
    site = told.service.site
    try:
        term = date_term(value, site.tz, datetime.now(UTC))
    except ValueFault:
        raise parameter(name, f"{name} is an instant or a date") from None
    return stamp(site, term.low), stamp(site, term.high)


def _bundle(told: History, found: Sequence[Version], after: int | None, total: int | None) -> Response:
    service = told.service
    links = [("self", url(service.base, told.path, told.used))]
    if after is not None:
        cursor = Cursor(told.path, tuple(told.used), "", Position(0, after, 0, ()))
        links.append(("next", url(service.base, told.path, [("_cursor", _sealed(service, cursor))])))
    bundle = history_bundle([_entry(service, v) for v in found], links, total)
    return Response(bundle, served=[v.resource for v in found if v.resource is not None])


def _sealed(service: Service, cursor: Cursor) -> str:
    return service.cursors.seal(cursor, service.binding)


_STATUS = {"POST": "201", "DELETE": "204"}


def _entry(service: Service, version: Version) -> Resource:
    """https://hl7.org/fhir/R4/bundle.html#history"""
    address = f"{version.resource_type}/{version.id}"
    method = version.method or "PUT"
    entry: Resource = {"fullUrl": f"{service.base}/{address}"}
    if version.resource is not None:
        entry["resource"] = version.resource
    entry["request"] = {"method": method, "url": version.resource_type if method == "POST" else address}
    entry["response"] = {**_status(version, method), "etag": f'W/"{version.version_id}"'}
    kept = (version.resource or {}).get("meta", {}).get("lastUpdated")
    if changed := kept or service.site.instant(version.recorded):
        entry["response"]["lastModified"] = changed
    return entry


def _status(version: Version, method: str) -> Resource:
    """How the request ended; of a version that can't be told any more, that and why."""
    if not version.unreadable:
        return {"status": _STATUS.get(method, "200")}
    told = FhirFault(500, "exception", version.unreadable)
    return {"status": "500", "outcome": outcome(told.issues())}
