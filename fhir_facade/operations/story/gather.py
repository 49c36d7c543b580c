"""What there is of some orders' stories: a few searches, as the caller may see, whatever the orders are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhir_facade.interactions.search_type import troubles
from fhir_facade.operations.story.steps import WAVES, Ask, Resource, references
from fhir_facade.outcome import Issue
from fhir_facade.service import Service
from mappers.database import SourceDownError
from mappers.engine import Page
from mappers.from_clause import leads
from mappers.include import address, chunks, padded, reference_paths
from mappers.mapping import ResourceMapping
from mappers.outage import SUBSETTED
from mappers.param_places import param_places
from mappers.query import Criterion, SearchQuery
from mappers.reader import Unreadable
from mappers.terms import Ref
from mappers.values.references import ReferenceTo

#: values of one question, as many as a statement takes
MOST_VALUES = 500
#: stories that share INCLUDE_LIMIT: an order has some dozens of results, rarely more
SHARING = 10
Mappings = Mapping[str, ResourceMapping]


@dataclass
class Gathered:
    """What was found below a base, by address (`Type/id`), and what can be said of what was not.

    `closed`: types that the caller's scopes and role don't open; `partly`: those of which they open some
    rows. `tells`: (type, address) where the type's source could refer to that resource; `untold`: those where
    it can't be said just now whether one does.
    """

    base: str
    resources: dict[str, Resource] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    partly: frozenset[str] = frozenset()
    tells: set[tuple[str, str]] = field(default_factory=set)
    untold: set[tuple[str, str]] = field(default_factory=set)
    issues: list[Issue] = field(default_factory=list)
    _referring: dict[tuple[str, str], dict[str, list[Resource]]] = field(default_factory=dict)

    def of_type(self, resource_type: str) -> list[Resource]:
        """The resources of a type, in the order in which they were found."""
        return [r for r in self.resources.values() if r["resourceType"] == resource_type]

    def names(self, resource: Resource, path: str) -> Iterator[str]:
        """The addresses that a resource refers to at a path."""
        return references(resource, path, self.base)

    def referring(self, resource_type: str, path: str, to: str) -> list[Resource]:
        """The resources of a type that refer to an address at a path; asked once all are found."""
        index = self._referring.get((resource_type, path))
        if index is None:
            index = self._referring[resource_type, path] = {}
            for resource in self.of_type(resource_type):
                for named in dict.fromkeys(self.names(resource, path)):
                    index.setdefault(named, []).append(resource)
        return index.get(to, [])


async def gather(service: Service, orders: Sequence[Resource], *, strict: bool) -> Gathered:
    """The orders and what their stories are made of; `strict`: SourceDownError if not all can be asked."""
    types = sorted({ask.resource_type for wave in WAVES for ask in wave})
    access = service.may_search
    found = Gathered(
        service.base,
        {address(o): o for o in orders},
        frozenset(t for t in types if not access.opens(t)),
        frozenset(t for t in types if access.conditions(t)),
    )
    for wave in WAVES:
        for ask in wave:
            await _Asking(service, found, ask, strict).run()
    return found


@dataclass
class _Asking:
    """One question, put to the sources of those that were found before."""

    service: Service
    found: Gathered
    ask: Ask
    strict: bool

    async def run(self) -> None:
        """Adds what is there, and says of whom it can't be told."""
        sources = self.found.of_type(self.ask.source)
        kind, mappings = self.ask.resource_type, self.service.mappings
        if kind not in mappings:
            self._untold(address(s) for s in sources)
            return
        self.found.tells.update((kind, address(s)) for s in sources if may_refer(mappings, self.ask, s))
        if kind in self.found.closed:
            return
        if self.ask.forward:
            await self._named(sources)
        else:
            await self._referring(sources)

    async def _referring(self, sources: Sequence[Resource]) -> None:
        wanted = {address(s): [address(s)] for s in sources}
        for refs in _grouped(self.service.mappings, wanted):
            await self._fetch(self.ask.param, refs, wanted)

    async def _named(self, sources: Sequence[Resource]) -> None:
        wanted: dict[str, list[str]] = {}
        for source in sources:
            told_of = (self.ask.resource_type, address(source)) in self.found.tells
            if told_of and SUBSETTED in source["meta"].get("tag", ()):
                self._untold([address(source)])
                text = f"{address(source)} is read without all its sources: what it names may be missing"
                self._tell(Issue("incomplete", text, "warning"))
            for named in self._names(source):
                wanted.setdefault(named, []).append(address(source))
        fresh = {n: s for n, s in wanted.items() if n not in self.found.resources}
        for refs in _grouped(self.service.mappings, fresh):
            await self._fetch("_id", refs, fresh)

    def _names(self, source: Resource) -> Iterator[str]:
        """The addresses of that type which a resource names."""
        for path in reference_paths(self.service.mappings[self.ask.source], self.ask.param):
            for named in self.found.names(source, ".".join(path)):
                if named.startswith(self.ask.resource_type + "/"):
                    yield named

    async def _fetch(
        self, param: str, refs: Sequence[tuple[str, Ref]], wanted: Mapping[str, Sequence[str]]
    ) -> None:
        of = [source for name, _ in refs for source in wanted[name]]
        limit = self.service.settings.include_limit * -(-len(refs) // SHARING)
        for chunk in chunks([ref for _, ref in refs], MOST_VALUES):
            page = await self._page(param, chunk, limit)
            if page is None or page.down or page.lacking or page.after is not None:
                self._untold(of)
            if page is not None:
                self._take(page, of)

    async def _page(self, param: str, refs: list[Ref], limit: int) -> Page | None:
        """The answer; None where the source can't be asked."""
        query = SearchQuery(self.ask.resource_type, (Criterion(param, tuple(padded(refs))),))
        try:
            return await self.service.searching.page(query, limit, strict=self.strict)
        except SourceDownError:
            if self.strict:
                raise
            self._tell(Issue("transient", f"{self.ask.resource_type} can't be asked just now", "warning"))
            return None

    def _take(self, page: Page, of: Sequence[str]) -> None:
        for match in page.matches:
            if isinstance(match, Unreadable):
                self._untold(of)
            else:
                self.found.resources.setdefault(address(match), match)
        for issue in troubles(page):
            self._tell(issue)
        if page.after is not None:
            text = f"not all {self.ask.resource_type} resources are told of at once: ask for fewer stories"
            self._tell(Issue("too-costly", text, "warning"))

    def _untold(self, addresses: Iterable[str]) -> None:
        self.found.untold.update((self.ask.resource_type, a) for a in addresses)

    def _tell(self, issue: Issue) -> None:
        if issue not in self.found.issues:
            self.found.issues.append(issue)


def _grouped(mappings: Mappings, addresses: Iterable[str]) -> Iterator[list[tuple[str, Ref]]]:
    """The keys behind the addresses, by the table they are in: each can be down by itself."""
    groups: dict[Any, list[tuple[str, Ref]]] = {}
    for text in addresses:
        kind, _, id_text = text.partition("/")
        resolved = mappings[kind].resolve(id_text)
        if resolved:
            part, key = resolved
            groups.setdefault((kind, part.source.table), []).append((text, Ref(kind, part.name, key)))
    yield from groups.values()


def may_refer(mappings: Mappings, ask: Ask, source: Resource) -> bool:
    """Whether the hospital's tables could tell at all: whether what is asked for can refer to that resource.

    What clients write may refer to anything, so nothing is to be expected of it.
    """
    resolved = mappings[ask.source].resolve(source["id"])
    if resolved is None:
        return False
    if ask.forward:
        return bool(param_places(mappings[ask.source], resolved[0], ask.param))
    mapping = mappings[ask.resource_type]
    parts = (p for p in mapping.parts if not p.native)
    values = (p.value for part in parts for p in param_places(mapping, part, ask.param))
    referring = (v for v in values if isinstance(v, ReferenceTo) and v.resource_type == ask.source)
    return any(leads(route, resolved[0]) for v in referring for route in v.routes)
