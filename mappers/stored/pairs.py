"""Composite search parameters of what clients have written: a code, and what one element says with it.

https://hl7.org/fhir/R4/search.html#composite
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mappers.facade.tables import fhir_index
from mappers.mapping import SearchParam
from mappers.param_places import types_in
from mappers.sql import Alternative, Condition, all_of, any_of, plain
from mappers.stored.values import IndexedToken, IndexedValue
from mappers.terms import Composite, Term
from mappers.value import Question, Value
from terminology import definitions

I = fhir_index.c  # noqa: E741 - as the other tables' initials
CODE = IndexedToken(I.of_system, I.of_code)


@dataclass(frozen=True)
class Component:
    """A part of a composite: the parameter that it is like, the element, and of a choice its types."""

    param: str
    kind: str
    name: str
    types: frozenset[str]

    def nodes(self, around: dict[str, Any]) -> Iterator[Any]:
        """What an element says there."""
        for key, said in around.items():
            if key == self.name or (key.startswith(self.name) and key[len(self.name) :] in self.types):
                yield from said if isinstance(said, list) else (said,)


class Pair(IndexedValue):
    """A code (`of_system`, `of_code`), and what is said with it as another kind finds it."""

    takes: tuple[type[Term], ...] = (Composite,)
    order = None

    def __init__(self, second: Value) -> None:
        self.second = second

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Composite)
        return [all_of(*(_any(*each, q) for each in zip((CODE, self.second), term.components, strict=True)))]


def _any(value: Value, terms: Sequence[Term], q: Question) -> Condition:
    taken = (t for t in terms if isinstance(t, value.takes))
    return any_of(*(plain(a) for t in taken for a in value.matches(t, q)))


@lru_cache(1024)
def components(resource_type: str, param: str) -> Sequence[Component]:
    """The parts of a composite parameter, by the standard; none of any other."""
    definition = definitions.search_parameter(resource_type, param)
    found = [_like(definition, c) for c in definition.component] if definition else []
    if definition is None or None in found:
        return ()
    return [_component(c.expression, like) for c, like in zip(definition.component, found, strict=True)]


def _like(composite: Any, component: Any) -> Any:
    """The parameter that a component is like: R4 interchanges those of DocumentReference's `relationship`."""
    others = definitions.search_parameters(composite.resource_type).values()
    path = f"{composite.expression}.{component.expression}"
    by_path = next((d for d in others if d.expression == path), None)
    return by_path or next((d for d in others if d.url == component.definition), None)


def _component(expression: str, like: Any) -> Component:
    types = types_in(expression) or types_in(like.expression)
    return Component(like.code, like.type, expression.partition(".")[0], types)


def fits(resource_type: str, param: str) -> bool:
    """Whether a composite is a code and something else."""
    found = components(resource_type, param)
    return len(found) == 2 and found[0].kind == "token" and found[1].kind != "composite"


def declared(resource_type: str, param: str, paths: Sequence[str]) -> SearchParam:
    """The standard's composite as a parameter of a type that is kept whole."""
    named = [(c.param, f"{c.name}[x]" if c.types else c.name) for c in components(resource_type, param)]
    return SearchParam(param, of=tuple(paths), components=tuple(named))


def alone(param: SearchParam, others: Sequence[SearchParam]) -> Sequence[str] | None:
    """For each component the parameter that asks the same of the resource itself; None where one has none.

    There is one resource, so that a composite of it is all of them.
    """
    found = [_alone(name, path, others) for name, path in param.components]
    return None if None in found else [name for name in found if name]


def _alone(name: str, path: str, others: Sequence[SearchParam]) -> str | None:
    bare = name.removeprefix("combo-")
    return next((p.name for p in others if p.name == bare and p.paths == (path,)), None)
