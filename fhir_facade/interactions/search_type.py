"""search-type, search-system and compartment search. https://hl7.org/fhir/R4/http.html#search"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fhir_facade.bundle import searchset, subset, url
from fhir_facade.content import Request, Response
from fhir_facade.imaging.away import archive_away
from fhir_facade.interactions.explain import explained
from fhir_facade.interactions.read import found
from fhir_facade.outages import outages_told
from fhir_facade.outcome import FhirFault, Issue, parameter
from fhir_facade.paging import Cursor
from fhir_facade.permitted import closed_includes, refuse_closed, searchable
from fhir_facade.search_request import Options, Reader, SearchRequest
from fhir_facade.sensitive import resolved
from fhir_facade.service import Service
from mappers.database import SourceDownError, TooSlowError
from mappers.engine import Page
from mappers.include import Included
from mappers.parse import Parser, SearchFault
from mappers.plans import Position
from mappers.query import Condition, SearchQuery
from mappers.reader import Unreadable
from mappers.terminology_sources import for_searches
from terminology import definitions

Resource = dict[str, Any]


@dataclass
class Search:
    """One search under way: path, types, the request as read, the compartment if there is one."""

    service: Service
    request: Request
    path: str
    types: list[str]
    compartment: tuple[str, str] | None = None
    #: `_type` as stated, of a search over several types
    spans: str = ""
    asked: SearchRequest = field(default_factory=SearchRequest)
    after: Position | None = None
    total: int | None = None

    @property
    def by_post(self) -> bool:
        """Whether the parameters came in a body."""
        return self.request.method == "POST"

    @property
    def by_numbers(self) -> bool:
        """Whether resident numbers are compared with; those that nobody could take for one too."""
        return self.by_post and self.service.knows_resident_numbers


async def search_type(service: Service, request: Request, resource_type: str) -> Response:
    """A search of one type; 403 where it is closed to the caller."""
    types = searchable(service, [resource_type], stated=True)
    return await _search(Search(service, request, resource_type, types))


async def search_system(service: Service, request: Request) -> Response:
    """A search over several types: `_type`, or all that are open to the caller."""
    spans = _spans(request)
    types = searchable(service, _spanned(service, spans), stated=bool(spans))
    return await _search(Search(service, request, "", types, spans=spans))


def _spans(request: Request) -> str:
    """`_type` of a search over several types; '' where it isn't stated."""
    stated = [v for n, v in [*request.parameters, *request.body_parameters] if n == "_type"]
    if any(not name for value in stated for name in value.split(",")):
        raise parameter("_type", "_type names resource types")
    return ",".join(stated)


def _spanned(service: Service, spans: str) -> list[str]:
    """The types of a search over several."""
    types = list(dict.fromkeys(spans.split(","))) if spans else sorted(service.mappings)
    for name in types:
        if name not in service.mappings:
            served = ", ".join(sorted(service.mappings))
            raise parameter("_type", f"{name[:60]} is not served here; valid: {served}", "not-supported")
    return types


async def search_compartment(
    service: Service, request: Request, code: str, id_text: str, kind: str
) -> Response:
    """A search within a compartment; `*` for all open types in it, or `_type`'s. 404 without its owner.

    Who may not read owners isn't told whether there is one: the search then finds what it may.
    """
    if code not in definitions.compartment_types():
        raise FhirFault(404, "not-supported", f"there is no compartment {code}")
    if service.may_read.opens(code):
        await found(service, code, id_text, strict=request.states_strict)
    parser = service.parser()
    spans = _spans(request) if kind == "*" else ""
    types = _spanned(service, spans) if kind == "*" else [kind]
    inside = [t for t in types if parser.compartment(code, id_text, t) is not None]
    if not inside or (spans and inside != types):
        outside = next(t for t in types if t not in inside)
        raise FhirFault(400, "not-supported", f"{outside} is not in the {code} compartment")
    inside = searchable(service, inside, stated=kind != "*" or bool(spans))
    return await _search(Search(service, request, f"{code}/{id_text}/{kind}", inside, (code, id_text), spans))


async def _search(search: Search) -> Response:
    cursor = next((v for n, v in search.request.parameters if n == "_cursor"), None)
    with outages_told():
        pairs = _continued(search, cursor) if cursor is not None else await _stated(search)
        reader = await _reader(search, pairs)
        search.asked = reader.read(pairs)
        refuse_closed(search.service, search.asked)
        if search.asked.explain:
            queries = [reader.query(search.asked, t, *_within(search, t)) for t in search.types]
            return Response(await explained(search.service, queries, search.by_numbers))
        if search.asked.counts_only:
            return await _counted(search, reader)
        return await _page(search, reader)


async def _reader(search: Search, pairs: Sequence[tuple[str, str]]) -> Reader:
    settings, service = search.service.settings, search.service
    options = Options(settings.page_size, settings.page_size_limit)
    terminology = await for_searches(service.searching, pairs, (service.base,))
    parser = replace(service.parser(by_post=search.by_post), terminology=terminology)
    return Reader(parser, search.types, options, search.request.handling == "lenient")


async def _stated(search: Search) -> list[tuple[str, str]]:
    """The parameters of URL and body; a resident number in the body becomes the ids it stands for."""
    by_url, by_body = search.request.parameters, search.request.body_parameters
    if search.by_post:
        _refuse_sensitive(search.service.parser(), search.types, by_url)
    pairs = [p for p in [*by_url, *by_body] if p[0] != "_type" or not search.spans]
    return await resolved(search.service, pairs) if by_body else pairs


def _refuse_sensitive(parser: Parser, types: Sequence[str], pairs: Sequence[tuple[str, str]]) -> None:
    """What stands in the URL of a POST is in a URL all the same."""
    for name, value in pairs:
        for resource_type in types:
            try:
                parser.condition(resource_type, name, value)
            except SearchFault as fault:
                if "resident number" in str(fault):
                    raise parameter(fault.param, str(fault), fault.code) from None


def _continued(search: Search, text: str) -> list[tuple[str, str]]:
    cursor = search.service.cursors.open(text, search.service.binding)
    if cursor.path != search.path:
        raise parameter("_cursor", "this page link belongs to another search")
    search.types = (
        search.types[search.types.index(cursor.resource_type) :]
        if cursor.resource_type in search.types
        else []
    )
    search.after, search.total = cursor.position, cursor.total
    search.spans = ",".join(v for n, v in cursor.parameters if n == "_type")
    return [p for p in cursor.parameters if p[0] != "_type"]


def _within(search: Search, resource_type: str) -> tuple[Condition, ...]:
    if search.compartment is None:
        return ()
    inside = search.service.parser().compartment(*search.compartment, resource_type)
    return (inside,) if inside else ()


async def _counted(search: Search, reader: Reader) -> Response:
    total = await _total(search, reader)
    links = [("self", url(search.service.base, search.path, _used(search)))]
    return Response(searchset(search.service.base, [], [], search.asked.issues, links, total))


async def _total(search: Search, reader: Reader) -> int:
    total = 0
    for resource_type in search.types:
        query = reader.query(search.asked, resource_type, *_within(search, resource_type))
        total += await search.service.searching.total(query, by_post=search.by_numbers)
    return total


async def _page(search: Search, reader: Reader) -> Response:
    asked, service = search.asked, search.service
    page, resource_type = await _fill(search, reader)
    matches = [m for m in page.matches if isinstance(m, dict)]
    collected = await _included(search, matches)
    included = list(collected.resources.values())
    page.down = sorted(collected.down.union(page.down))
    page.lacking = sorted(collected.lacking.union(page.lacking))
    issues = [*asked.issues, *closed_includes(service, asked.includes), *troubles(page)]
    issues += archive_away(service, [*matches, *included], search.types)
    if collected.cut:
        limit = service.settings.include_limit
        issues.append(
            Issue("too-costly", f"only {limit} resources are included; there may be more", "warning")
        )
    total = await _told(search, reader, page, len(matches))
    bundle = searchset(
        service.base,
        _shaped(asked, matches),
        _shaped(asked, included),
        issues,
        _links(search, page, resource_type, total),
        total,
    )
    return Response(bundle, served=[*matches, *included])


async def _included(search: Search, matches: Sequence[Resource]) -> Included:
    """What the matches' includes lead to."""
    if not search.asked.includes:
        return Included()
    limit, strict = search.service.settings.include_limit, search.request.states_strict
    return await search.service.searching.included(matches, search.asked.includes, limit, strict=strict)


async def _fill(search: Search, reader: Reader) -> tuple[Page, str]:
    """One page over the types, in their order; the type that the next page starts with."""
    whole, after, answered = Page(), search.after, 0
    types = search.types
    for place, resource_type in enumerate(types):
        query = reader.query(search.asked, resource_type, *_within(search, resource_type))
        room = search.asked.count - len(whole.matches)
        page = await _asked(search, query, room, after)
        whole.matches += page.matches
        whole.down += page.down
        whole.lacking += page.lacking
        answered += page.down != [resource_type]
        if page.after is not None:
            whole.after = page.after
            return whole, resource_type
        after = None
        if len(whole.matches) >= search.asked.count and place + 1 < len(types):
            return whole, types[place + 1]
    if not answered:
        raise SourceDownError(", ".join(types))
    return whole, ""


async def _asked(search: Search, query: SearchQuery, room: int, after: Position | None) -> Page:
    """A page of one type; one that can't be asked at all is down, and hides no others."""
    strict, by_numbers = search.request.states_strict, search.by_numbers
    try:
        return await search.service.searching.page(query, room, after, by_post=by_numbers, strict=strict)
    except TooSlowError:
        raise
    except SourceDownError:
        if strict or len(search.types) == 1:
            raise
        return Page(down=[query.resource_type])


def troubles(page: Page) -> list[Issue]:
    """What of a page isn't there, or not whole, though it matches."""
    unreadable = [m for m in page.matches if isinstance(m, Unreadable)]
    issues = [
        Issue("exception", f"the row {u.source} can't be read: {u.reason}", "error") for u in unreadable
    ]
    down = [
        Issue("transient", f"{name} can't be asked just now: its resources are missing here", "warning")
        for name in page.down
    ]
    return issues + down + _lacking(page)


def _lacking(page: Page) -> list[Issue]:
    if not page.lacking:
        return []
    names = ", ".join(page.lacking)
    text = f"{names} can't be asked just now: resources tagged SUBSETTED lack what is said of them there"
    return [Issue("incomplete", text, "warning")]


async def _told(search: Search, reader: Reader, page: Page, matches: int) -> int | None:
    """The total: when asked for, or when the first page holds everything anyway."""
    if search.asked.total == "none" or page.down:
        return None
    if search.total is not None:
        return search.total
    if search.asked.total in ("accurate", "estimate"):
        return await _total(search, reader)
    first_and_last = search.after is None and page.after is None
    return len(page.matches) if first_and_last and len(page.matches) == matches else None


def _links(search: Search, page: Page, resource_type: str, total: int | None) -> list[tuple[str, str]]:
    base = search.service.base
    links = [("self", url(base, search.path, _used(search)))]
    if resource_type:
        cursor = Cursor(search.path, tuple(_used(search)), resource_type, page.after, total)
        pairs = [("_cursor", search.service.cursors.seal(cursor, search.service.binding))]
        if not search.path or search.spans:
            pairs.insert(0, ("_type", ",".join(search.types)))
        links.append(("next", url(base, search.path, pairs)))
    return links


def _used(search: Search) -> list[tuple[str, str]]:
    """The parameters that the search goes by."""
    return [*([("_type", search.spans)] if search.spans else ()), *search.asked.used]


def _shaped(asked: SearchRequest, resources: Sequence[Resource]) -> Sequence[Resource]:
    if not asked.elements and asked.summary in ("", "false"):
        return resources
    shaped = []
    for resource in resources:
        kept = asked.kept(resource["resourceType"])
        shaped.append(subset(resource, kept) if kept is not None else resource)
    return shaped
