"""The value that a FHIRPath Patch brings, and whether an element takes its type."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_facade.patching.path import PathFault
from fhir_facade.patching.places import Pair, Place, Slot
from terminology.definition_models import ElementDefinition

#: types whose values are written alike: what is given as one may be meant as another
_ALIKE = (
    frozenset({"string", "code", "id", "markdown", "xhtml"}),
    frozenset({"uri", "url", "canonical", "oid", "uuid", "string"}),
    frozenset({"integer", "positiveInt", "unsignedInt"}),
    frozenset({"date", "dateTime"}),
)


@dataclass(frozen=True)
class Given:
    """A value with its type; `parts` instead, for an element whose type has no name."""

    type: str
    pair: Pair
    parts: Sequence[Mapping[str, Any]] = ()

    def fitting(self, slot: Slot, depth: int = 0) -> tuple[str, Pair]:
        """(JSON name, value) as the element takes it; raises PathFault for a type that it doesn't."""
        definition = slot.definition
        codes = [kind.code for kind in definition.types]
        if self.parts:
            if codes not in ([], ["BackboneElement"], ["Element"]):
                raise PathFault(f"the value of {slot.path} is a {_either(codes)}, not parts")
            return slot.name, (_object(slot, self.parts, depth), None)
        code = next((c for c in codes if _takes(c, self, choice=definition.is_choice)), None)
        if code is None:
            raise PathFault(f"the value of {slot.path} is a {_either(codes) or 'group of parts'}")
        return _named(definition, code), self.pair


def given(part: Mapping[str, Any]) -> Given:
    """The value of a `value` part; raises PathFault where it has none, or several."""
    names = sorted({n.removeprefix("_") for n in part if n.startswith(("value", "_value"))})
    if "part" in part and not names:
        return Given("", (None, None), part["part"])
    if "resource" in part and not names:
        return Given("Resource", (copy.deepcopy(part["resource"]), None))
    if len(names) != 1 or names[0] == "value":
        raise PathFault("a value is one value[x], a resource or parts")
    name = names[0].removeprefix("value")
    pair = copy.deepcopy((part.get(f"value{name}"), part.get(f"_value{name}")))
    return Given(name, pair)


def _takes(code: str, value: Given, *, choice: bool) -> bool:
    """Types are compared as `value[x]` spells them: `valueCode` holds a code."""
    wanted = code[0].upper() + code[1:]
    if wanted == value.type:
        return True
    return not choice and any(code in alike and value.type in _spelled(alike) for alike in _ALIKE)


def _spelled(codes: frozenset[str]) -> set[str]:
    return {code[0].upper() + code[1:] for code in codes}


def _named(definition: ElementDefinition, code: str) -> str:
    return next((name for name, kind in definition.choices() if kind == code), definition.name)


def _either(codes: Sequence[str]) -> str:
    return ", ".join(codes[:12])


def _object(slot: Slot, parts: Sequence[Mapping[str, Any]], depth: int) -> dict[str, Any]:
    """The object that named parts make, each an element of it."""
    if depth > 20:
        raise PathFault("the value is nested too deep")
    made: dict[str, Any] = {}
    place = Place(None, 0, made, slot.owner, slot.path)
    for part in parts:
        inner = place.child(str(part.get("name", "")).removesuffix("[x]"))
        put(inner, *given(part).fitting(inner, depth + 1))
    return made


def put(slot: Slot, name: str, pair: Pair) -> None:
    """Adds a value: to the end of a list, or where nothing is yet; raises PathFault where something is."""
    pairs = slot.pairs
    if pairs and not slot.definition.is_list:
        raise PathFault(f"there is a {slot.path} already: replace it")
    Slot(slot.holder, name, slot.owner, slot.path).keep([*pairs, pair])
