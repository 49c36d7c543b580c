"""Where a search parameter leads in a part: the values it searches and the containers around them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from mappers.mapping import Part, Place, ResourceMapping, SearchParam, places
from mappers.terms import Term
from mappers.values.children import Children
from mappers.values.compounds import Backbone, Choice
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
    if param == "_security":
        return (Place(part.security),) if part.security else ()
    declared = mapping.params.get(param)
    if declared is None:
        return ()
    types = stated_types(mapping.resource_type, declared)
    found = (p for path in declared.paths for p in places(part.elements, path))
    return tuple(_narrowed(p, types) if types else p for p in found)


def _narrowed(place: Place, types: frozenset[str]) -> Place:
    value = place.value
    return Place(value.of_types(types), place.inside) if isinstance(value, Choice) else place


_TYPES = re.compile(r"\bas (\w+)\)|\.(?:as|ofType)\((\w+)\)")


def stated_types(resource_type: str, declared: SearchParam) -> frozenset[str]:
    """The types that a parameter's expression picks out of a choice: `(Observation.value as Quantity)`."""
    definition = definitions.search_parameter(resource_type, declared.name)
    expression = declared.expression or (definition.expression if definition else "")
    names = [one or other for one, other in _TYPES.findall(expression)]
    return frozenset(n[0].upper() + n[1:] for n in names)


class _Anything:
    """Stands for "whatever is inside" where only the containers count."""

    takes: tuple[type[Term], ...] = ()


ANYTHING: Any = _Anything()


def children_around(place: Place) -> list[Children]:
    return [c for c in place.inside if isinstance(c, Children)]


def containers_around(place: Place) -> list[Children | Backbone]:
    """The containers that a condition inside depends on: child rows, objects that are absent without need."""
    return [c for c in place.inside if isinstance(c, Children) or (isinstance(c, Backbone) and c.needs)]
