"""Whether a resource as it was would be opened by conditions: one that is no more, or an older version.

What it referred to is asked as it is now. Whatever can't be decided so opens nothing: to leave a deletion out
costs a client a comparison of ids, to tell one to somebody else tells of what isn't theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fhir_facade.drafts import authors_alone
from fhir_facade.service import Service
from mappers.mapping import Part
from mappers.query import (
    UNRESTRICTED,
    AllOf,
    AnyOf,
    Chained,
    Condition,
    Criterion,
    Has,
    NotAbout,
    ReleasedTo,
    SearchQuery,
)
from mappers.reader import Resource
from mappers.stored.search_values import Found, SearchValues
from mappers.terms import Ref, Term, Token
from mappers.values.fixed import is_asked
from mappers.write.history import last_told

#: parameters that only `meta` decides
_META = ("_profile", "_security", "_tag")


class Bygone:
    """Judges resources by their last versions; raises SourceDownError where what they lead to is away."""

    def __init__(self, service: Service) -> None:
        self.engine, self.mappings = service.engine, service.mappings
        self.values = SearchValues(service.mappings, service.site, (service.base,))

    async def fulfils(self, resource: Resource, condition: Condition) -> bool:
        """Whether the resource certainly fulfilled the condition."""
        match condition:
            case AllOf():
                return all([await self.fulfils(resource, c) for c in condition.conditions])
            case AnyOf():
                return any([await self.fulfils(resource, c) for c in condition.conditions])
            case Criterion():
                return self._criterion(resource, condition)
            case Chained():
                return await self._chained(resource, condition)
            case NotAbout():
                return await self._not_about(resource, condition)
            case Has():
                return await self._count(resource["resourceType"], self._own(resource), condition) > 0
            case ReleasedTo():
                return self._released(resource, condition)

    async def opened_last(self, conditions: Sequence[Condition], resource_type: str, id_text: str) -> bool:
        """Whether conditions opened a resource by the last that is known of it; none open everything."""
        if not conditions:
            return True
        last = await last_told(self.engine.database, resource_type, id_text)
        if last is None or last.resource is None:
            return False
        return await self.fulfils(last.resource, AllOf(tuple(conditions)))

    async def open_to_who_saw_it(
        self, conditions: Sequence[Condition], resource_type: str, id_text: str
    ) -> bool:
        """Whether it may be told that a resource is deleted: who is held by conditions must have been able to
        see it, and nobody have brought it back as what they may not see.
        """
        if conditions and await self.engine.read(resource_type, id_text) is not None:
            return False
        return await self.opened_last(conditions, resource_type, id_text)

    async def opened_too(self, earlier: Resource, now: Resource, condition: Condition) -> bool:
        """Whether a condition that opens a resource as it is now opened it as it was, too."""
        if all(self._same(param, earlier, now) for param in set(_deciding(condition))):
            return True
        return await self.fulfils(earlier, condition)

    def _same(self, param: str, one: Resource, other: Resource) -> bool:
        """Whether a search by a parameter certainly answers alike."""
        mapping = self.mappings[one["resourceType"]]
        if param in _META:
            return bool(one["meta"].get(param[1:]) == other["meta"].get(param[1:]))
        if param not in mapping.params or not self.values.tells(mapping, param):
            return False
        return self.values.values(mapping, param, one) == self.values.values(mapping, param, other)

    def _criterion(self, resource: Resource, criterion: Criterion) -> bool:
        found = self._found(resource, criterion.param)
        if criterion.missing is not None:
            return found is not None and criterion.missing is not bool(found)
        if criterion.modifier or found is None:
            return False
        return any(_asks(term, one) for term in criterion.terms for one in found)

    def _found(self, resource: Resource, param: str) -> list[Found] | None:
        """What a parameter finds in a resource; None for one that only a search can ask."""
        kind = resource["resourceType"]
        if param == "_id":
            own = self.values.target(f"{kind}/{resource['id']}")
            return [own] if own else []
        mapping = self.mappings[kind]
        return self.values.values(mapping, param, resource) if param in mapping.params else None

    async def _chained(self, resource: Resource, condition: Chained) -> bool:
        targets = self._targets(resource, condition.param, condition.target_type)
        if not targets or condition.condition == AllOf(()):
            return bool(targets)
        return await self._count(condition.target_type, targets, condition.condition) > 0

    async def _not_about(self, resource: Resource, condition: NotAbout) -> bool:
        """What it was about must still be there to be asked, all of it."""
        kind, part = condition.target_type, self._part(resource)
        found = self._found(resource, condition.param) if condition.param else None
        if found is None or part is None or kind in part.untold:
            return False
        targets = self._targets(resource, condition.param, kind)
        if len(targets) < len(found) or await self._count(kind, targets) < len(targets):
            return False
        return not await self._count(kind, targets, condition.condition)

    def _released(self, resource: Resource, condition: ReleasedTo) -> bool:
        """Whether it was no draft, or that author's own."""
        part, author = self._part(resource), condition.author
        authors = authors_alone(part, resource) if part else set()
        if authors is None:
            return True
        led = [self.values.target(text) for text in authors]
        own = (author.part, author.key) if author else None
        return own is not None and bool(led) and all(f and (f["target_part"], _key(f)) == own for f in led)

    def _own(self, resource: Resource) -> Sequence[Ref]:
        kind = resource["resourceType"]
        resolved = self.mappings[kind].resolve(resource["id"])
        return [Ref(kind, resolved[0].name, resolved[1])] if resolved else []

    def _targets(self, resource: Resource, param: str, resource_type: str) -> Sequence[Ref]:
        """What of this server, of one type, a parameter leads to."""
        parts = {p.name: p for p in self.mappings[resource_type].parts}
        keys = [(f.get("target_part"), _key(f)) for f in self._found(resource, param) or ()]
        return [Ref(resource_type, part, key) for part, key in keys if part in parts]

    async def _count(self, resource_type: str, targets: Sequence[Ref], *conditions: Condition) -> int:
        if not targets:
            return 0
        query = SearchQuery(resource_type, (Criterion("_id", tuple(targets)), *conditions))
        return await self.engine.total(query, access=UNRESTRICTED)

    def _part(self, resource: Resource) -> Part | None:
        resolved = self.mappings[resource["resourceType"]].resolve(resource["id"])
        return resolved[0] if resolved else None


def _deciding(condition: Condition) -> Iterator[str]:
    """The parameters of a resource itself that decide; not its id, nor what others say of it.

    Drafts are judged by `drafts.authors_alone`.
    """
    match condition:
        case AllOf() | AnyOf():
            for one in condition.conditions:
                yield from _deciding(one)
        case NotAbout(param=""):
            yield from _deciding(condition.condition)
        case Criterion(param="_id"):
            return
        case Criterion() | Chained() | NotAbout():
            yield condition.param


def _asks(term: Term, found: Found) -> bool:
    if isinstance(term, Ref):
        return term.part is not None and (term.part, term.key) == (found.get("target_part"), _key(found))
    return isinstance(term, Token) and is_asked(term, found.get("system"), found.get("value", ""))


def _key(found: Found) -> Any:
    return found.get("target_int", found.get("target_text"))
