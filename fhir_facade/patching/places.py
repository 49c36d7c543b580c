"""Where in a resource a patch's path leads: elements that can be replaced, taken out, or added to."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import fhirpathpy
from fhirpathpy.models import models

from fhir_facade.outcome import FhirFault
from fhir_facade.patching.path import PathFault, Step
from terminology import definitions
from terminology.definition_models import ElementDefinition

#: elements of which the conditions of one patch may be asked
MOST_ASKED = 2000
#: a primitive's value (or an object), and the id and extensions beside a primitive
Pair = tuple[Any, Any]


@dataclass(frozen=True)
class Slot:
    """An element of an object: the name in JSON, and where the standard defines it (`owner` and `path`)."""

    holder: dict[str, Any]
    name: str
    owner: str
    path: str

    @property
    def definition(self) -> ElementDefinition:
        """The standard's definition; raises PathFault where it has none."""
        found = definitions.element(self.owner, self.path)
        if found is None:
            raise PathFault(f"{self.owner} has no element {self.path[:60]}")
        return found

    @property
    def pairs(self) -> list[Pair]:
        """What is there, one of a list or the one of no list."""
        values, beside = self.holder.get(self.name), self.holder.get(f"_{self.name}")
        if not isinstance(values, list) and not isinstance(beside, list):
            return [] if values is None and beside is None else [(values, beside)]
        return list(zip_longest(values or [], beside or []))

    def keep(self, pairs: list[Pair]) -> None:
        """Writes what is there from now on."""
        for name, items in (
            (self.name, [one for one, _ in pairs]),
            (f"_{self.name}", [one for _, one in pairs]),
        ):
            if all(one is None for one in items):
                self.holder.pop(name, None)
            else:
                self.holder[name] = items if self.definition.is_list else items[0]


@dataclass(frozen=True)
class Place:
    """One element; the resource itself has no slot."""

    slot: Slot | None
    index: int
    value: Any
    owner: str
    path: str

    def take(self, pair: Pair | None) -> None:
        """Replaces it; None takes it out."""
        if self.slot is None:
            raise PathFault("the path leads to the resource itself")
        pairs = self.slot.pairs
        pairs[self.index : self.index + 1] = [] if pair is None else [pair]
        self.slot.keep(pairs)

    def child(self, name: str) -> Slot:
        """The slot of an element in it; raises PathFault where the standard has no such element."""
        if not isinstance(self.value, dict):
            raise PathFault("the path leads to a primitive, which has no elements")
        path = f"{self.path}.{name}" if self.path else name
        definition = definitions.element(self.owner, path)
        if definition is None or definition.name.removesuffix("[x]") != name:
            raise PathFault(f"{self.owner} has no element {path[:60]}")
        return Slot(self.value, _json_name(self.value, definition), self.owner, path)


def _json_name(holder: dict[str, Any], definition: ElementDefinition) -> str:
    """The name that a choice has here; its stem where there is none yet."""
    for name, _ in definition.choices():
        if name in holder or f"_{name}" in holder:
            return name
    return definition.name.removesuffix("[x]")


@dataclass
class Asked:
    """How many elements were asked a patch's conditions so far: each takes a while."""

    count: int = 0

    def one_more(self) -> None:
        """Raises FhirFault 413 for one too many."""
        self.count += 1
        if self.count > MOST_ASKED:
            raise FhirFault(413, "too-costly", f"the patch asks its conditions of over {MOST_ASKED} elements")


def root(resource: dict[str, Any]) -> Place:
    """The resource as the place where paths begin."""
    return Place(None, 0, resource, resource["resourceType"], "")


def select(resource: dict[str, Any], found: list[Step], asked: Asked) -> list[Place]:
    """The elements that a path leads to, in order; raises PathFault for one that can't be followed."""
    start = root(resource)
    named = not found[0].is_function and found[0].name in (start.owner, "Resource", "DomainResource")
    places = [start]
    for step in found[1:] if named else found:
        places = _followed(places, step, asked)
    return places


def _followed(places: list[Place], step: Step, asked: Asked) -> list[Place]:
    if step.index is not None:
        return places[step.index : step.index + 1]
    if not step.is_function:
        return [one for place in places for one in _children(place, step.name)]
    argument = step.argument or ""
    match step.name:
        case "where":
            return [p for p in places if _fulfils(p, argument, asked)]
        case "ofType":
            return [p for p in places if _type_of(p) == argument.removeprefix("FHIR.")]
        case "extension":
            inside = [one for place in places for one in _children(place, "extension")]
            return [p for p in inside if p.value.get("url") == argument.strip("'")]
        case "single" if len(places) > 1:
            raise PathFault("single() finds several elements")
    return places[-1:] if step.name == "last" else places[:1]


def _children(place: Place, name: str) -> Iterator[Place]:
    if not isinstance(place.value, dict):
        return
    slot = place.child(name)
    for index, (value, _) in enumerate(slot.pairs):
        nested = value.get("resourceType") if isinstance(value, dict) else None
        path = slot.path.removesuffix(name) + slot.name
        yield Place(slot, index, value, nested or slot.owner, "" if nested else path)


def _type_of(place: Place) -> str:
    if place.slot is None or not place.path:
        return place.owner
    names = dict(place.slot.definition.choices())
    return names.get(place.slot.name, "")


def _fulfils(place: Place, condition: str, asked: Asked) -> bool:
    asked.one_more()
    base = _type_of(place) if place.path and _type_of(place) != "BackboneElement" else ""
    expression: Any = {"base": base, "expression": condition} if base else condition
    try:
        found: Any = fhirpathpy.evaluate(copy.deepcopy(place.value), expression, {}, models["r4"])
    except Exception:  # whatever its parser and its functions raise
        found = None
    if found not in ([True], [False], []):
        raise PathFault("the path's condition can't be evaluated to true or false")
    return bool(found == [True])
