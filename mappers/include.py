"""_include and _revinclude: what the matches of a page refer to, and what refers to them.

Every candidate passes the access gate. https://hl7.org/fhir/R4/search.html#revinclude
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mappers.database import SourceDownError, TooSlowError
from mappers.engine import Engine
from mappers.mapping import ResourceMapping
from mappers.param_places import searched
from mappers.query import Access, Criterion, Include, SearchQuery
from mappers.terms import Ref
from mappers.values.references import ReferenceTo

Resource = dict[str, Any]


@dataclass
class Included:
    """What was included; `cut`: the limit was reached, so there may be more.

    `down` and `lacking`: what couldn't be asked, as in a `Page`.
    """

    resources: dict[str, Resource] = field(default_factory=dict)
    cut: bool = False
    down: set[str] = field(default_factory=set)
    lacking: set[str] = field(default_factory=set)


def address(resource: Resource) -> str:
    """`Type/id`."""
    return f"{resource['resourceType']}/{resource['id']}"


def values_at(resource: Any, names: Sequence[str]) -> Iterator[Any]:
    """Everything a path of element names leads to in a resource (`value[x]` is written `value`)."""
    if isinstance(resource, list):
        for item in resource:
            yield from values_at(item, names)
    elif not names:
        yield resource
    elif isinstance(resource, Mapping):
        for key in (names[0], names[0] + "Reference"):
            if key in resource:
                yield from values_at(resource[key], names[1:])


class Includer:
    """Collects what the includes of one search ask for; `strict`: SourceDownError if not all can be asked."""

    def __init__(self, engine: Engine, access: Access, limit: int, *, strict: bool = False) -> None:
        self.engine, self.access, self.limit, self.strict = engine, access, limit, strict
        self.found = Included()

    async def collect(self, matches: Sequence[Resource], includes: Sequence[Include]) -> Included:
        """Everything to include beside the matches, each once; iterating ones are followed to the end."""
        found = self.found
        seen = {address(r) for r in matches}
        fresh = list(matches)
        rounds = list(includes)
        while fresh and rounds and not found.cut:
            fresh = await self._round(fresh, rounds, seen, found)
            rounds = [i for i in includes if i.iterate]
        return found

    async def _round(
        self, sources: list[Resource], includes: Sequence[Include], seen: set[str], found: Included
    ) -> list[Resource]:
        fresh: list[Resource] = []
        for include in includes:
            read = self._referring if include.reverse else self._referred
            for resource in await read(sources, include, seen):
                if len(found.resources) >= self.limit:
                    found.cut = True
                    return fresh
                if address(resource) not in seen:
                    seen.add(address(resource))
                    found.resources[address(resource)] = resource
                    fresh.append(resource)
        return fresh

    # forward

    async def _referred(self, sources: list[Resource], include: Include, seen: set[str]) -> list[Resource]:
        wanted: dict[str, None] = {}
        for resource in sources:
            if include.source_type in ("*", resource["resourceType"]):
                wanted |= dict.fromkeys(self._addresses(resource, include))
        return await self.by_address([w for w in wanted if w not in seen])

    def _addresses(self, resource: Resource, include: Include) -> Iterator[str]:
        mapping = self.engine.mappings[resource["resourceType"]]
        for path in reference_paths(mapping, include.param):
            for value in values_at(resource, path):
                text = value.get("reference", "") if isinstance(value, Mapping) else ""
                kind = text.partition("/")[0]
                if kind in self.engine.mappings and include.target_type in ("", kind):
                    yield text

    async def by_address(self, addresses: Sequence[str]) -> list[Resource]:
        """The resources behind `Type/id` texts that exist and may be seen."""
        found: list[Resource] = []
        for refs in self._grouped(addresses).values():
            for chunk in chunks(refs, 500):
                query = SearchQuery(chunk[0].resource_type, (Criterion("_id", tuple(padded(chunk))),))
                found += await self._page(query, len(chunk))
        order = {a: i for i, a in enumerate(addresses)}
        return sorted(found, key=lambda r: order.get(address(r), 0))

    def _grouped(self, addresses: Iterable[str]) -> dict[tuple[str, str], list[Ref]]:
        groups: dict[tuple[str, str], list[Ref]] = {}
        for text in addresses:
            kind, _, id_text = text.partition("/")
            resolved = self.engine.mappings[kind].resolve(id_text)
            if resolved:
                part, key = resolved
                groups.setdefault((kind, part.name), []).append(Ref(kind, part.name, key))
        return groups

    # reverse

    async def _referring(self, sources: list[Resource], include: Include, seen: set[str]) -> list[Resource]:
        if include.source_type not in self.engine.mappings:
            return []
        mapping = self.engine.mappings[include.source_type]
        targets = reference_types(mapping, include.param)
        addresses = [
            address(r)
            for r in sources
            if r["resourceType"] in targets and include.target_type in ("", r["resourceType"])
        ]
        found: list[Resource] = []
        for name in _param_names(mapping, include.param):
            for refs in self._grouped(addresses).values():
                found += await self._with(include.source_type, name, refs)
        return found

    async def _with(self, resource_type: str, param: str, refs: list[Ref]) -> list[Resource]:
        query = SearchQuery(resource_type, (Criterion(param, tuple(padded(refs))),))
        return await self._page(query, self.limit + 1)

    async def _page(self, query: SearchQuery, count: int) -> list[Resource]:
        try:
            page = await self.engine.page(query, count, access=self.access, strict=self.strict)
        except TooSlowError:
            raise
        except SourceDownError:
            if self.strict:
                raise
            self.found.down.add(query.resource_type)
            return []
        self.found.down.update(page.down)
        self.found.lacking.update(page.lacking)
        return [r for r in page.matches if isinstance(r, dict)]


def padded(refs: Sequence[Ref]) -> list[Ref]:
    """The references, repeated to the next power of two, so that few statements serve all counts."""
    size = 1 << max(len(refs) - 1, 0).bit_length()
    last = refs[-1]
    return [*refs, *(Ref(last.resource_type, last.part, last.key) for _ in range(size - len(refs)))]


def chunks(items: list[Ref], size: int) -> Iterator[list[Ref]]:
    """The items in lists of at most that size."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _param_names(mapping: ResourceMapping, param: str) -> list[str]:
    return reference_params(mapping) if param == "*" else [param]


def reference_params(mapping: ResourceMapping) -> list[str]:
    """The names of the parameters that lead to references."""
    return [name for name in mapping.params if reference_types(mapping, name)]


@lru_cache(4096)
def reference_paths(mapping: ResourceMapping, param: str) -> tuple[tuple[str, ...], ...]:
    """The element paths of a reference parameter (`*`: of all of them)."""
    paths = (path for n in _param_names(mapping, param) for path in mapping.params[n].paths)
    return tuple(tuple(_segment(s) for s in path.split(".")) for path in paths)


def _segment(text: str) -> str:
    return text.removesuffix("[]").removesuffix("[x]")


@lru_cache(4096)
def reference_types(mapping: ResourceMapping, param: str) -> frozenset[str]:
    """The types that a parameter's references lead to; empty where it has no references."""
    names = mapping.params if param == "*" else [param]
    values = (value for n in names for value in searched(mapping, n))
    return frozenset(v.resource_type for v in values if isinstance(v, ReferenceTo))
