"""FHIRPath Patch: https://hl7.org/fhir/R4/fhirpatch.html"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_facade.outcome import FhirFault
from fhir_facade.patching.outcome import MOST_OPERATIONS, Resource, finished
from fhir_facade.patching.path import PathFault, steps
from fhir_facade.patching.places import Asked, Place, Slot, select
from fhir_facade.patching.values import given, put


class PartFault(ValueError):
    """A patch whose own parts aren't what its operation needs."""


@dataclass(frozen=True)
class Operation:
    """One operation, with its parts by name; `asked` is the whole patch's."""

    parts: Mapping[str, Mapping[str, Any]]
    asked: Asked

    def text(self, name: str) -> str:
        """A part's text; raises PartFault where there is none."""
        part = self.parts.get(name, {})
        found = part.get("valueString", part.get("valueCode"))
        if not isinstance(found, str):
            raise PartFault(f"the part {name} is missing, or no string or code")
        return found

    def number(self, name: str) -> int:
        """A part's number, 0 or more; raises PartFault where there is none."""
        found = self.parts.get(name, {}).get("valueInteger")
        if type(found) is not int or found < 0:
            raise PartFault(f"the part {name} is missing, or no integer of 0 or more")
        return found

    def value(self, slot: Slot) -> tuple[str, tuple[Any, Any]]:
        """(JSON name, value) as a slot takes it."""
        if "value" not in self.parts:
            raise PartFault("the part value is missing")
        return given(self.parts["value"]).fitting(slot)


def patched(resource: Mapping[str, Any], parameters: Any) -> Resource:
    """The resource after all operations, each on what the ones before it left.

    Raises 400 for what is no FHIRPath Patch, 422 for an operation that can't be done: a path that doesn't
    lead to exactly one element (`delete`: or to none), a value of another type than the element's; 413 for
    more work than one patch may be. The fault's expression is the operation's `Parameters.parameter[n]`.
    """
    if not isinstance(parameters, dict) or parameters.get("resourceType") != "Parameters":
        raise FhirFault(400, "structure", "a FHIRPath Patch is a Parameters resource", ("Parameters",))
    operations = parameters.get("parameter", [])
    if not isinstance(operations, list):
        raise FhirFault(400, "structure", "parameter is a list of operations", ("Parameters.parameter",))
    if len(operations) > MOST_OPERATIONS:
        raise FhirFault(413, "too-costly", f"a patch may have {MOST_OPERATIONS} operations")
    result, asked = copy.deepcopy(dict(resource)), Asked()
    for number, parameter in enumerate(operations):
        _apply(result, number, parameter, asked)
    return finished(resource, result)


def _apply(resource: Resource, number: int, parameter: Any, asked: Asked) -> None:
    about = (f"Parameters.parameter[{number}]",)
    try:
        operation = _operation(parameter, asked)
        _OPERATIONS[operation.text("type")](resource, operation)
    except PartFault as fault:
        raise FhirFault(400, "structure", f"operation {number}: {fault}", about) from None
    except KeyError:
        valid = ", ".join(_OPERATIONS)
        raise FhirFault(400, "invalid", f"operation {number}: its type is one of {valid}", about) from None
    except PathFault as fault:
        raise FhirFault(422, "processing", f"operation {number}: {fault}", about) from None


def _operation(parameter: Any, asked: Asked) -> Operation:
    parts = parameter.get("part") if isinstance(parameter, dict) else None
    if not isinstance(parts, list) or parameter.get("name") != "operation":
        raise PartFault("a parameter is named operation and has parts")
    named = [part for part in parts if isinstance(part, dict) and isinstance(part.get("name"), str)]
    found = {part["name"]: part for part in named}
    if len(found) != len(parts):
        raise PartFault("a part has no name, or one that another has too")
    return Operation(found, asked)


def _one(resource: Resource, operation: Operation) -> Place:
    found = _selected(resource, operation)
    if len(found) != 1:
        raise PathFault(f"the path leads to {len(found)} elements, not to one")
    return found[0]


def _selected(resource: Resource, operation: Operation) -> list[Place]:
    return select(resource, steps(operation.text("path")), operation.asked)


def _list(resource: Resource, operation: Operation) -> Slot:
    """The list that a path names, which may be empty."""
    *before, last = steps(operation.text("path"))
    if not before or last.is_function or last.index is not None:
        raise PathFault("the path names no list")
    found = select(resource, before, operation.asked)
    if len(found) != 1:
        raise PathFault(f"the path leads to {len(found)} lists, not to one")
    slot = found[0].child(last.name)
    if not slot.definition.is_list:
        raise PathFault(f"{slot.path} is no list")
    return slot


def _add(resource: Resource, operation: Operation) -> None:
    place = _one(resource, operation)
    slot = place.child(operation.text("name").removesuffix("[x]"))
    put(slot, *operation.value(slot))


def _insert(resource: Resource, operation: Operation) -> None:
    slot, index = _list(resource, operation), operation.number("index")
    pairs = slot.pairs
    if index > len(pairs):
        raise PathFault(f"the list has {len(pairs)} elements")
    _, pair = operation.value(slot)
    slot.keep([*pairs[:index], pair, *pairs[index:]])


def _delete(resource: Resource, operation: Operation) -> None:
    found = _selected(resource, operation)
    if len(found) > 1:
        raise PathFault(f"the path leads to {len(found)} elements, not to one")
    for place in found:
        place.take(None)


def _replace(resource: Resource, operation: Operation) -> None:
    place = _one(resource, operation)
    slot = place.slot
    if slot is None:
        raise PathFault("the path leads to the resource itself")
    name, pair = operation.value(Slot(slot.holder, slot.name, slot.owner, slot.path))
    if name == slot.name:
        place.take(pair)
        return
    place.take(None)
    Slot(slot.holder, name, slot.owner, slot.path).keep([pair])


def _move(resource: Resource, operation: Operation) -> None:
    slot = _list(resource, operation)
    source, destination = operation.number("source"), operation.number("destination")
    pairs = slot.pairs
    if source >= len(pairs) or destination >= len(pairs):
        raise PathFault(f"the list has {len(pairs)} elements")
    pairs.insert(destination, pairs.pop(source))
    slot.keep(pairs)


_OPERATIONS: dict[str, Callable[[Resource, Operation], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
