"""Where a search parameter leads in a part: the values it searches and the containers around them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from mappers.mapping import Element, Part, Place, ResourceMapping, SearchParam, places
from mappers.terms import Term
from mappers.value import Value
from mappers.values.children import Children
from mappers.values.compounds import Backbone, Choice
from mappers.values.references import ReferenceTo
from terminology import definitions


def composite_containers(part: Part, paths: Sequence[str]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """(elements, containers around) of every element within which a composite's components must meet."""
    for path in paths:
        if path == "$this":
            yield part.elements, ()
        else:
            for element in part.elements:
                if element.segments == (path,):
                    yield from _contents(element.value, ())


def _contents(value: Any, around: tuple[Any, ...]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    for content, container in value.unfold():
        inside = (*around, container) if container is not None else around
        if hasattr(content, "unfold"):
            yield from _contents(content, inside)
        elif isinstance(content, tuple):
            yield content, inside


@lru_cache(8192)
def param_places(mapping: ResourceMapping, part: Part, param: str) -> tuple[Place, ...]:
    """Every place in a part that a parameter searches."""
    if param == "_lastUpdated":
        return (Place(part.last_updated),) if part.last_updated else ()
    if param == "_security" and part.security:
        return (Place(part.security),)
    declared = mapping.params.get(param)
    if declared is None:
        return ()
    if (indexed := part.indexed.get(param)) is not None:
        return tuple(Place(value, (inside,)) for value, inside in indexed.unfold())  # type: ignore[attr-defined]
    types, targets = stated_types(mapping.resource_type, declared), _targets(mapping.resource_type, declared)
    found = (p for path in declared.paths for p in narrowed_places(part.elements, path, types))
    return tuple(p for p in found if not targets or _is_reference(p.value, targets))


@lru_cache(4096)
def searched(mapping: ResourceMapping, param: str) -> tuple[Value, ...]:
    """What a parameter searches, in all parts."""
    return tuple(p.value for part in mapping.parts for p in param_places(mapping, part, param))


def narrowed_places(elements: Sequence[Element], path: str, types: frozenset[str]) -> Iterator[Place]:
    """Where a path leads; of a choice at its end only what has one of the types (none: whatever it has)."""
    for place in places(elements, path):
        value = place.value
        if isinstance(value, Choice) and types:
            yield Place(value.of_types(types), place.inside)
        elif not types or not path.endswith("[x]") or value.fhir_type in types:
            yield place


def _is_reference(value: Value, targets: frozenset[str]) -> bool:
    return isinstance(value, ReferenceTo) and value.resource_type in targets


_TYPES = re.compile(r"\bas (\w+)\)|\.(?:as|ofType)\((\w+)\)")
_RESOLVES = re.compile(r"resolve\(\) is (\w+)")
#: what a date parameter is compared with; a choice may offer texts too (occurrenceString)
DATES = frozenset(("Date", "DateTime", "Instant", "Period", "Timing"))


def stated_types(resource_type: str, declared: SearchParam) -> frozenset[str]:
    """The types that a parameter sees of a choice: those that its expression picks, as in
    `(Observation.value as Quantity)`, else those that its own type is compared with.
    """
    found = types_in(_expression(resource_type, declared))
    definition = definitions.search_parameter(resource_type, declared.name)
    kind = declared.type or (definition.type if definition else "")
    return found or (DATES if kind == "date" else frozenset())


def component_types(resource_type: str, param: str) -> Sequence[frozenset[str]] | None:
    """The same for each component of a composite; None where the standard has none of that name."""
    definition = definitions.search_parameter(resource_type, param)
    return [types_in(c.expression) for c in definition.component] if definition else None


def types_in(expression: str) -> frozenset[str]:
    """The types that a FHIRPath expression picks."""
    names = [one or other for one, other in _TYPES.findall(expression)]
    return frozenset(n[0].upper() + n[1:] for n in names)


def _targets(resource_type: str, declared: SearchParam) -> frozenset[str]:
    """The types whose references alone a parameter looks at: `.where(resolve() is Patient)`."""
    return frozenset(_RESOLVES.findall(_expression(resource_type, declared)))


def _expression(resource_type: str, declared: SearchParam) -> str:
    definition = definitions.search_parameter(resource_type, declared.name)
    return declared.expression or (definition.expression if definition else "")


class _Anything:
    """Stands for "whatever is inside" where only the containers count."""

    takes: tuple[type[Term], ...] = ()


ANYTHING: Any = _Anything()


def children_around(place: Place) -> list[Children]:
    return [c for c in place.inside if isinstance(c, Children)]


def containers_around(place: Place) -> list[Children | Backbone]:
    """The containers that a condition inside depends on: child rows, objects that are absent without need."""
    return [c for c in place.inside if isinstance(c, Children) or (isinstance(c, Backbone) and c.needs)]
