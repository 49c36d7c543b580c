"""What of a search the caller's scopes and role don't open at all: told, instead of an answer that hides it.

Which rows of an open type are seen is not decided here but in the compiler's gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fhir_facade.outcome import FhirFault, Issue
from fhir_facade.search_request import SearchRequest
from fhir_facade.service import Service, refused
from mappers.include import reference_types
from mappers.query import Access, AllOf, AnyOf, Condition, Criterion, Has, Include, ReleasedTo


def searchable(service: Service, types: Sequence[str], *, stated: bool) -> list[str]:
    """The types that may be searched; 403 for a stated one that may not, or if none is left."""
    found = [t for t in types if service.may_search.opens(t)]
    if len(found) < len(types) and (stated or not found):
        closed = next(t for t in types if t not in found)
        raise refused(closed, "search")
    return found


def refuse_closed(service: Service, asked: SearchRequest) -> None:
    """403 for a search through a type that is closed: an empty answer would seem to say: nothing is there."""
    for by_type in asked.conditions:
        for name in sorted(set(_types(by_type.values()))):
            if not service.may_search.opens(name):
                raise refused(name, "search by")
    if asked.explain and not service.explains:
        raise FhirFault(403, "forbidden", "_explain is for administrators", ("http._explain",))


def _types(conditions: Iterable[Condition]) -> Iterator[str]:
    for condition in conditions:
        if isinstance(condition, AllOf | AnyOf):
            yield from _types(condition.conditions)
        elif not isinstance(condition, Criterion | ReleasedTo):
            yield condition.resource_type if isinstance(condition, Has) else condition.target_type
            yield from _types([condition.condition])


def closed_includes(service: Service, includes: Sequence[Include]) -> list[Issue]:
    """A warning for each include that can add nothing because its type is closed."""
    access = service.may_search
    closed = [i for i in includes if i.source_type != "*" and not _may_add(service, access, i)]
    return [_left_out(i) for i in closed]


def _left_out(include: Include) -> Issue:
    text = f"your scopes and role do not open what this would include: {include.text}"
    where = "http._revinclude" if include.reverse else "http._include"
    return Issue("suppressed", text, "warning", (where,))


def _may_add(service: Service, access: Access, include: Include) -> bool:
    if include.reverse:
        return access.opens(include.source_type)
    targets = reference_types(service.mappings[include.source_type], include.param)
    wanted = [t for t in targets if include.target_type in ("", t)]
    return any(access.opens(t) for t in wanted)
