"""$everything: a patient's (or a visit's) whole compartment, and what it refers to, page by page.

https://hl7.org/fhir/R4/patient-operation-everything.html
https://hl7.org/fhir/R4/encounter-operation-everything.html
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from fhir_facade.bundle import searchset, url
from fhir_facade.content import Response
from fhir_facade.imaging.away import archive_away
from fhir_facade.interactions.read import found
from fhir_facade.interactions.search_type import troubles
from fhir_facade.operations.arguments import arguments
from fhir_facade.operations.operation import Arguments, Invocation, Operation, Parameter
from fhir_facade.operations.referred import MOST_WANTED, Referred, Seen, owners
from fhir_facade.outcome import Issue, parameter
from fhir_facade.paging import Cursor
from fhir_facade.permitted import searchable
from fhir_facade.service import Service
from mappers.database import SourceDownError, TooSlowError
from mappers.engine import Page
from mappers.include import Included
from mappers.plans import Position
from mappers.query import AllOf, AnyOf, Condition, Criterion, SearchQuery

Resource = dict[str, Any]
#: of these there are many, and they are about records rather than care: at the end
LAST = ("Provenance", "AuditEvent")


@dataclass
class Walk:
    """One page of a walk through a compartment: what is asked, and where it goes on.

    `started` is when the first page was asked: what the pages themselves leave in the audit trail stays out.
    """

    service: Service
    call: Invocation
    asked: Arguments
    pairs: list[tuple[str, str]]
    started: str
    types: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    from_type: str = ""
    after: Position | None = None
    seen: Seen = field(default_factory=Seen)

    @property
    def compartment(self) -> tuple[str, str]:
        """Whose it is."""
        assert self.call.resource_type
        assert self.call.id
        return self.call.resource_type, self.call.id

    @property
    def count(self) -> int:
        """How many resources of the compartment are on a page."""
        limit = self.service.settings.page_size_limit
        stated: int = self.asked.one("_count", limit)
        return min(stated, limit)

    @property
    def wanted(self) -> list[str]:
        """The types that `_type` names; none for all."""
        return [t.strip() for value in self.asked.all("_type") for t in value.split(",")]


async def everything(service: Service, call: Invocation) -> Response:
    """A searchset of the compartment's resources (`match`) and of what these refer to (`include`), each once.

    404 where the owner may not be seen. What can't be asked is named by an entry of mode `outcome`.
    """
    walk = _walk(service, call)
    owner = await found(service, *walk.compartment, strict=call.request.states_strict)
    _choose_types(walk)
    page, stopped = await _page(walk)
    matches = [m for m in page.matches if isinstance(m, dict)]
    referred = await _referred(walk, owner).collect(matches)
    included = [r for r in referred.resources.values() if _changed(r, walk.asked.one("_since"))]
    page.down = sorted(referred.down.union(page.down))
    page.lacking = sorted(referred.lacking.union(page.lacking))
    away = archive_away(service, [*matches, *included])
    issues = [*troubles(page), *away, *_closed(walk), *_cut(referred)]
    bundle = searchset(service.base, matches, included, issues, _links(walk, page, stopped), None)
    return Response(bundle, served=[*matches, *included])


def _walk(service: Service, call: Invocation) -> Walk:
    text = next((v for n, v in call.request.parameters if n == "_cursor"), None)
    if text is None:
        walk = Walk(service, call, call.parameters, _pairs(call.parameters), _now(service))
    else:
        cursor = service.cursors.open(text, service.binding)
        if cursor.path != call.path:
            raise parameter("_cursor", "this page link belongs to another record")
        (_, started), *pairs = cursor.parameters
        asked, _ = arguments(PATIENT_EVERYTHING, pairs, None)
        walk = Walk(service, call, asked, pairs, started, from_type=cursor.resource_type)
        walk.after, walk.seen = cursor.position, Seen(cursor.seen)
    if walk.count < 1:
        raise parameter("_count", "_count is a number, 1 or more")
    if walk.asked.one("start", "") > walk.asked.one("end", "9999"):
        raise parameter("end", "the end is before the start")
    return walk


def _pairs(asked: Arguments) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, values in asked.values.items() for value in values]


def _now(service: Service) -> str:
    return datetime.now(service.site.tz).isoformat(timespec="milliseconds")


def _choose_types(walk: Walk) -> None:
    """The types of the compartment, its owner's first; raises 400 for a `_type` that isn't served, or 403."""
    service, (code, id_text) = walk.service, walk.compartment
    for name in walk.wanted:
        if name not in service.mappings:
            valid = ", ".join(sorted(service.mappings))
            raise parameter("_type", f"{name[:60]} is not served here; valid: {valid}", "not-supported")
    parser = service.parser()
    types = walk.wanted or sorted(service.mappings)
    inside = [t for t in dict.fromkeys(types) if parser.compartment(code, id_text, t) is not None]
    inside.sort(key=lambda t: (t != code, t in LAST, t))
    searchable(service, walk.wanted or inside, stated=bool(walk.wanted))
    walk.types = [t for t in inside if service.may_search.opens(t)]
    walk.closed = [t for t in inside if t not in walk.types]


# a page


async def _page(walk: Walk) -> tuple[Page, str]:
    """One page over the types, in their order; the type that the next page starts with, '' after the last."""
    whole, after = Page(), walk.after
    left = walk.types[walk.types.index(walk.from_type) :] if walk.from_type in walk.types else walk.types
    for place, resource_type in enumerate(left):
        page = await _asked(walk, resource_type, walk.count - whole.found, after)
        whole.matches += page.matches
        whole.down += page.down
        whole.lacking += page.lacking
        whole.found += page.found
        if page.after is not None:
            whole.after = page.after
            return whole, resource_type
        after = None
        if whole.found >= walk.count and place + 1 < len(left):
            return whole, left[place + 1]
    return whole, ""


async def _asked(walk: Walk, resource_type: str, room: int, after: Position | None) -> Page:
    """A page of one type; one that can't be asked at all is down, and hides no others."""
    strict = walk.call.request.states_strict
    query = SearchQuery(resource_type, tuple(_conditions(walk, resource_type)))
    try:
        return await walk.service.searching.page(query, room, after, strict=strict)
    except TooSlowError:
        raise
    except SourceDownError:
        if strict:
            raise
        return Page(down=[resource_type])


def _conditions(walk: Walk, resource_type: str) -> list[Condition]:
    """What selects a type's resources; those that don't say when they were are in every range."""
    parser, (code, id_text) = walk.service.parser(), walk.compartment
    inside = parser.compartment(code, id_text, resource_type)
    conditions = [inside] if inside else []
    if since := walk.asked.one("_since"):
        conditions.append(_unless_missing(walk, resource_type, "_lastUpdated", [f"ge{since}"]))
    start, end = walk.asked.one("start"), walk.asked.one("end")
    dated = care_dates().get(resource_type, "")
    bounds = [f"{prefix}{day}" for prefix, day in (("ge", start), ("le", end)) if day]
    if bounds and dated in walk.service.mappings[resource_type].params:
        conditions.append(_unless_missing(walk, resource_type, dated, bounds))
    if resource_type == "AuditEvent":
        conditions.append(parser.condition(resource_type, "date", f"le{walk.started}"))
    return conditions


def _unless_missing(walk: Walk, resource_type: str, name: str, bounds: Sequence[str]) -> Condition:
    parser = walk.service.parser()
    within = AllOf(tuple(parser.condition(resource_type, name, bound) for bound in bounds))
    return AnyOf((within, Criterion(name, missing=True)))


@cache
def care_dates() -> dict[str, str]:
    """Resource type → the search parameter that says when care was; types without one are of no time."""
    text = files("fhir_facade").joinpath("operations", "care_dates.csv").read_text("utf-8")
    return {row["resource_type"]: row["parameter"] for row in csv.DictReader(text.splitlines())}


# what comes along


def _referred(walk: Walk, owner: Resource) -> Referred:
    service = walk.service
    types = walk.wanted or service.mappings
    return Referred(
        service,
        walk.compartment,
        frozenset(walk.types),
        frozenset(t for t in types if service.may_search.opens(t)),
        frozenset(owners(service, "Patient")([owner])),
        walk.seen,
        walk.call.request.states_strict,
    )


def _changed(resource: Resource, since: str | None) -> bool:
    """Whether it may have changed since then."""
    updated = resource["meta"].get("lastUpdated")
    return since is None or updated is None or _instant(updated) >= _instant(since)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace(":60", ":59"))


def _closed(walk: Walk) -> list[Issue]:
    if not walk.closed or walk.from_type:
        return []
    text = f"your scopes and role do not open these types of the record: {', '.join(walk.closed)}"
    return [Issue("suppressed", text, "warning")]


def _cut(referred: Included) -> list[Issue]:
    if not referred.cut:
        return []
    text = f"this page refers to more than {MOST_WANTED} resources: those beyond are missing here"
    return [Issue("too-costly", text, "warning")]


def _links(walk: Walk, page: Page, stopped: str) -> list[tuple[str, str]]:
    service, path = walk.service, walk.call.path
    links = [("self", url(service.base, path, walk.pairs))]
    if stopped:
        pairs = (("_started", walk.started), *walk.pairs)
        cursor = Cursor(path, pairs, stopped, page.after, seen=walk.seen.text)
        sealed = service.cursors.seal(cursor, service.binding)
        links.append(("next", url(service.base, path, [("_cursor", sealed)])))
    return links


_BOUNDS = (
    Parameter("start", "date", "the first day of care; what has no date of care is always there"),
    Parameter("end", "date", "the last day of care"),
)
_SHAPING = (
    Parameter("_since", "instant", "only what changed since; and what doesn't say when it changed"),
    Parameter("_type", "code", "only these resource types, as a list with commas or repeated", max="*"),
    Parameter("_count", "integer", "resources of the record a page; what they refer to comes besides"),
)
_RETURN = Parameter("return", "Bundle", "a searchset; follow its `next` links", min=1, use="out")
_SAYS = (
    "All resources of the {0}'s compartment (search mode match), in pages, and what they refer to (include), "
    "each once; what is about other patients stays out."
)
PATIENT_EVERYTHING = Operation(
    name="everything",
    definition="http://hl7.org/fhir/OperationDefinition/Patient-everything",
    documentation=_SAYS.format("patient"),
    levels=frozenset({"instance"}),
    types=frozenset({"Patient"}),
    parameters=(*_BOUNDS, *_SHAPING, _RETURN),
    run=everything,
    cost=20,
)
ENCOUNTER_EVERYTHING = Operation(
    name="everything",
    definition="http://hl7.org/fhir/OperationDefinition/Encounter-everything",
    documentation=_SAYS.format("visit"),
    levels=frozenset({"instance"}),
    types=frozenset({"Encounter"}),
    parameters=(*_SHAPING, _RETURN),
    run=everything,
    cost=20,
)
