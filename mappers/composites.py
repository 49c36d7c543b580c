"""Composite parameters of a part: what one element, or the resource itself, says together.

https://hl7.org/fhir/R4/search.html#composite
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mappers.from_clause import Scope
from mappers.mapping import Place, SearchParam
from mappers.param_places import ANYTHING, component_types, composite_containers, narrowed_places
from mappers.query import Criterion
from mappers.sql import Alternative, Condition, all_of, any_of, plain
from mappers.stored.pairs import alone
from mappers.terms import Composite, Term

if TYPE_CHECKING:
    from mappers.scope import PartScope

WHOLE = "$this"


def of_whole(scope: PartScope, criterion: Criterion) -> list[list[Criterion]]:
    """For each value of a composite what is asked of the resource itself, where clients may say otherwise.

    There is one of it, so that each component is a condition of its own, which knows what clients have said.
    """
    names = _alone(scope, scope.mapping.params.get(criterion.param))
    composites = [t for t in criterion.terms if isinstance(t, Composite)]
    return [[Criterion(*each) for each in zip(names, t.components, strict=True)] for t in composites if names]


def _alone(scope: PartScope, param: SearchParam | None) -> Sequence[str]:
    if param is None or WHOLE not in param.paths:
        return ()
    names = alone(param, scope.mapping.search_params) or ()
    amended = any((scope.part.name, name) in scope.c.amended for name in (param.name, *names))
    return names if scope.part.native or amended else ()


def within_elements(
    scope: PartScope, param: str, term: Composite
) -> Iterator[tuple[Place, Callable[[Scope], list[Alternative]]]]:
    """(place, what is asked there) for each element whose columns may say it."""
    declared = scope.mapping.params[param]
    paths = [path for _, path in declared.components]
    types = component_types(scope.mapping.resource_type, param) or [frozenset[str]()] * len(paths)
    components = list(zip(paths, types, term.components, strict=True))
    apart = bool(_alone(scope, declared))
    searched = [path for path in declared.paths if not (apart and path == WHOLE)]
    for elements, around in composite_containers(scope.part, searched):

        def ask(inside: Scope, elements: Any = elements) -> list[Alternative]:
            return [all_of(*(_component(inside, elements, *each) for each in components))]

        yield Place(ANYTHING, around), ask


def _component(
    scope: Scope, elements: Any, path: str, types: frozenset[str], terms: tuple[Term, ...]
) -> Condition:
    found = list(narrowed_places(elements, path, types))
    return any_of(
        *(
            plain(a)
            for t in terms
            for p in found
            if isinstance(t, p.value.takes)
            for a in p.value.matches(t, scope)
        )
    )
