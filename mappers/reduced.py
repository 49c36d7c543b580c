"""Mappings without what a database lacks: values lose alternatives, parts lose elements, types lose parts.

What remains never names a missing column, so it can be served; what was taken out is told as `Loss`es.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from mappers.mapping import Element, Join, Part, ResourceMapping, SearchParam, SqlSource, places
from mappers.reach import Mappings, Names, closed, needed_names, part_names, security_names, updated_names
from mappers.value import Value
from mappers.values.compounds import Backbone, Choice, FirstOf, Merged, Several
from mappers.values.concepts import Concept
from mappers.values.fixed import Fixed
from mappers.values.references import ReferenceTo, Route, needed
from terminology import definitions


@dataclass(frozen=True)
class Loss:
    """What was taken out: a whole part (`path` ''), or an element (or some of its ways to a value) of it."""

    resource_type: str
    part: str
    path: str
    missing: Names


def reduced(mappings: Mappings, missing: Names) -> tuple[dict[str, ResourceMapping], list[Loss]]:
    """The mappings that can be served without those columns, and what they lost."""
    if not missing:
        return dict(mappings), []
    reducer = _Reducer(missing)
    kept = {name: reducer.mapping(mapping) for name, mapping in mappings.items()}
    return {name: m for name, m in kept.items() if m.parts or m.at_hand}, reducer.losses


def hidden(mapping: ResourceMapping, names: Names) -> tuple[ResourceMapping, list[Loss]]:
    """What a mapping can tell while columns that are there can't be read: less, but nothing else.

    What is only said where a hidden value is absent isn't said, and a part that would lose a modifier element
    isn't served.
    """
    reducer = _Concealer(names)
    return reducer.mapping(mapping), reducer.losses


class _Reducer:
    """Reduces mappings; what several parts share they share afterwards (branches depend on it)."""

    def __init__(self, missing: Names) -> None:
        self.missing, self.losses = missing, list[Loss]()
        self._known: dict[int, tuple[Any, Any]] = {}

    def mapping(self, mapping: ResourceMapping) -> ResourceMapping:
        """The mapping with the parts and the parameters that are left."""
        parts = tuple(p for p in (self.part(mapping.resource_type, p) for p in mapping.parts) if p)
        params = tuple(p for p in mapping.search_params if not parts or _leads(p, parts))
        return replace(mapping, parts=parts, search_params=params, _names={})

    def part(self, resource_type: str, part: Part) -> Part | None:
        """The part with the elements that are left; None where it can't be served."""
        lost = (part_names(part) | security_names(part)) & self.missing
        if lost:
            self._without(resource_type, part, lost)
            return None
        elements = tuple(e for e in (self._element(resource_type, part, e) for e in part.elements) if e)
        if vital := self._vital(resource_type, part) - {e.segments[0] for e in elements}:
            told = [e for e in part.elements if e.segments[0] in vital]
            lost = frozenset(n for e in told for n in needed_names(e.value, part.joins)) & self.missing
            self._without(resource_type, part, lost)
            return None
        left = replace(
            part,
            elements=elements,
            source=self._source(part.source),
            last_updated=self._updated(resource_type, part),
            untold=frozenset(self._untold(part)),
        )
        return self._as_it_is(resource_type, left)

    def _as_it_is(self, resource_type: str, part: Part) -> Part:
        """A part that lost anything is read, and no more written: its table isn't the one that we know."""
        if (resource_type, part.name) not in {(x.resource_type, x.part) for x in self.losses}:
            return part
        return replace(part, writable=False, upkeep=None, read_only_because="its table has changed")

    def _untold(self, part: Part) -> Iterator[str]:
        for element in part.elements:
            if needed_names(element.value, part.joins) & self.missing:
                yield from _referred(element.value)

    def _vital(self, resource_type: str, part: Part) -> set[str]:
        return _vital(resource_type, part)

    def _updated(self, resource_type: str, part: Part) -> Value | None:
        lost = updated_names(part) & self.missing
        if lost:
            self.losses.append(Loss(resource_type, part.name, "meta.lastUpdated", lost))
        return self._value(part.last_updated, part.joins) if part.last_updated else None

    def _without(self, resource_type: str, part: Part, lost: Names) -> None:
        self.losses = [x for x in self.losses if (x.resource_type, x.part) != (resource_type, part.name)]
        self.losses.append(Loss(resource_type, part.name, "", lost))

    def _source(self, source: SqlSource) -> SqlSource:
        found: SqlSource = self._once(source, lambda: self._less(source))
        return found

    def _less(self, source: SqlSource) -> SqlSource:
        joins = tuple(j for j in source.joins if not closed([j.on], source.joins) & self.missing)
        return source if len(joins) == len(source.joins) else replace(source, joins=joins)

    def _element(self, resource_type: str, part: Part, element: Element) -> Element | None:
        lost = needed_names(element.value, part.joins) & self.missing
        if not lost:
            return element
        self.losses.append(Loss(resource_type, part.name, element.path, lost))
        left: Element | None = self._once(element, lambda: self._fewer(element, part.joins))
        return left

    def _fewer(self, element: Element, joins: Sequence[Join]) -> Element | None:
        value = self._value(element.value, joins)
        return Element(element.path, value) if value is not None else None

    def _once(self, key: Any, make: Callable[[], Any]) -> Any:
        if id(key) not in self._known:
            self._known[id(key)] = (key, make())
        return self._known[id(key)][1]

    # values

    def _value(self, value: Value, joins: Sequence[Join]) -> Value | None:
        """The value with the alternatives that are left; None where nothing of it can be read."""
        if not needed_names(value, joins) & self.missing:
            return value
        found: Value | None = self._once(value, lambda: self._part_of(value, joins))
        return found

    def _part_of(self, value: Value, joins: Sequence[Join]) -> Value | None:
        if isinstance(value, FirstOf | Choice | Several | Merged):
            kept = [v for v in (self._value(v, joins) for v in self._known_of(value, joins)) if v is not None]
            return type(value)(*kept) if kept else None
        if isinstance(value, Backbone):
            return self._backbone(value, joins)
        if isinstance(value, ReferenceTo):
            return self._reference(value, joins)
        return self._concept(value, joins) if type(value) is Concept else None

    def _known_of(self, value: Any, joins: Sequence[Join]) -> Sequence[Value]:
        """The alternatives that can still be told apart."""
        values: Sequence[Value] = value.values
        return values

    def _backbone(self, value: Backbone, joins: Sequence[Join]) -> Backbone | None:
        kept = [e for e in (self._inner(e, joins) for e in value.elements) if e is not None]
        left = {e.segments[0] for e in kept}
        return Backbone(*kept, needs=value.needs) if kept and left.issuperset(value.needs) else None

    def _inner(self, element: Element, joins: Sequence[Join]) -> Element | None:
        value = self._value(element.value, joins)
        return element if value is element.value else (Element(element.path, value) if value else None)

    def _concept(self, value: Concept, joins: Sequence[Join]) -> Concept | None:
        kept = [v for v in (self._value(v, joins) for v in value.codings) if v is not None]
        text = self._value(value.text, joins) if value.text else None
        return self._concept_of(kept, text) if kept or text else None

    def _concept_of(self, codings: Sequence[Value], text: Value | None) -> Concept:
        return Concept(*codings, text=text)

    def _reference(self, value: ReferenceTo, joins: Sequence[Join]) -> ReferenceTo | None:
        left = copy(value)
        left.routes = tuple(r for r in self._routes(value, joins) if not self._lost(r, joins))
        left.display = self._value(value.display, joins) if value.display else None
        left.joins = tuple(j for j in value.joins if not closed([j.on], joins) & self.missing)
        return left if left.routes else None

    def _routes(self, value: ReferenceTo, joins: Sequence[Join]) -> Sequence[Route]:
        """The routes that can still be told apart."""
        return value.routes

    def _lost(self, route: Route, joins: Sequence[Join]) -> bool:
        return bool(closed([route.own, route.id.column], joins) & self.missing)


class _Concealer(_Reducer):
    """Reduces a mapping by what is there and can't be read: nothing may be taken for absent."""

    def _vital(self, resource_type: str, part: Part) -> set[str]:
        modifiers = {n.removesuffix("[x]") for n in definitions.modifier_elements(resource_type)}
        patients = {e.segments[0] for e in part.elements if _leads_to_patient(e.value)}
        return (
            super()._vital(resource_type, part)
            | modifiers & {e.segments[0] for e in part.elements}
            | patients
        )

    def _known_of(self, value: Any, joins: Sequence[Join]) -> Sequence[Value]:
        """Up to the first that is hidden, in part or whole: those after it count only where it is absent."""
        if not isinstance(value, FirstOf | Choice):
            return super()._known_of(value, joins)
        lost = [bool(needed_names(v, joins) & self.missing) for v in value.values]
        return value.values[: lost.index(True) + 1] if any(lost) else value.values

    def _routes(self, value: ReferenceTo, joins: Sequence[Join]) -> Sequence[Route]:
        return list(takewhile(lambda route: not self._lost(route, joins), value.routes))

    def _reference(self, value: ReferenceTo, joins: Sequence[Join]) -> ReferenceTo | None:
        """Whose something is must not be left open where it may only be hidden."""
        left = super()._reference(value, joins)
        return needed(left) if left is not None and _leads_to_patient(value) else left

    def _concept_of(self, codings: Sequence[Value], text: Value | None) -> Concept:
        """Without its text (or what the text would be taken from) a concept has none."""
        return Concept(*codings, text=text or Fixed(None))


def _vital(resource_type: str, part: Part) -> set[str]:
    """Names of the part's elements without which its resources can't be shown."""
    required = {n.removesuffix("[x]") for n in definitions.mandatory_elements(resource_type)}
    insisted = {e.segments[0] for e in part.elements if getattr(e.value, "needed", False)}
    return insisted | (required & {e.segments[0] for e in part.elements})


def _referred(value: Any) -> Iterator[str]:
    """The types that a value, or what is in it, refers to."""
    if isinstance(value, ReferenceTo):
        yield value.resource_type
    elements = [e.value for e in value.elements] if isinstance(value, Backbone) else []
    for inner in (*elements, *getattr(value, "values", ()), getattr(value, "value", None)):
        if isinstance(inner, Value):
            yield from _referred(inner)


def _leads_to_patient(value: Value) -> bool:
    return isinstance(value, ReferenceTo) and value.resource_type == "Patient"


def _leads(param: SearchParam, parts: Sequence[Part]) -> bool:
    """Whether any part still has what the parameter searches, in its columns or in what clients wrote."""
    return any(_kept(param, part) or next(_places(param, part), None) for part in parts)


def _kept(param: SearchParam, part: Part) -> bool:
    written = part if part.native else part.amended
    return part.written_here and written is not None and param.name in written.indexed


def _places(param: SearchParam, part: Part) -> Iterator[Any]:
    for path in param.paths:
        if path == "$this":
            yield part
        else:
            yield from places(part.elements, path)
