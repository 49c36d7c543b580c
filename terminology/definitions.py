"""The standard's own definitions (https://hl7.org/fhir/R4/), loaded when first asked for and then kept.

A path is what FHIR writes behind the type's name: `component.code.coding.system`. It may cross data types,
name a choice either way (`value[x]`, `valueQuantity`) and carry our list marks (`name[].given[]`).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from terminology.definition_models import (
    Component,
    ElementDefinition,
    ElementType,
    InvariantDefinition,
    SearchParameterDefinition,
)

__all__ = [
    "Component",
    "ElementDefinition",
    "ElementType",
    "InvariantDefinition",
    "SearchParameterDefinition",
]


@cache
def _load(name: str) -> dict[str, Any]:
    packed = files("terminology").joinpath("r4", f"{name}.json.gz").read_bytes()
    loaded: dict[str, Any] = json.loads(gzip.decompress(packed))
    return loaded


@cache
def resource_types() -> tuple[str, ...]:
    """The concrete resource types of R4, sorted."""
    found = _load("structures").items()
    return tuple(sorted(name for name, one in found if one["kind"] == "resource" and not one["abstract"]))


def type_names() -> tuple[str, ...]:
    """Every type that R4 defines: resources, data types and primitives, abstract ones too."""
    return tuple(_load("structures"))


def kind(type_name: str) -> str | None:
    """`resource`, `complex-type` or `primitive-type`; None for a type R4 doesn't have."""
    found = _load("structures").get(type_name)
    return None if found is None else str(found["kind"])


def ancestors(type_name: str) -> tuple[str, ...]:
    """The type and what it specializes, nearest first."""
    base = _load("structures").get(type_name, {}).get("base", "")
    return (type_name, *ancestors(base)) if base else (type_name,)


@cache
def search_parameters(resource_type: str) -> Mapping[str, SearchParameterDefinition]:
    """Code → definition, with those of Resource and DomainResource; empty for an unknown type."""
    found: dict[str, SearchParameterDefinition] = {}
    if kind(resource_type) == "resource":
        for base in reversed(ancestors(resource_type)):
            for code, raw in _load("search_parameters").get(base, {}).items():
                found[code] = _search_parameter(resource_type, base, code, raw)
    return MappingProxyType(found)


def _search_parameter(
    resource_type: str, base: str, code: str, raw: dict[str, Any]
) -> SearchParameterDefinition:
    expression = str(raw.get("expression", ""))
    if expression.startswith(f"{base}."):  # Resource.id reads as Patient.id where Patient asks for it
        expression = resource_type + expression.removeprefix(base)
    return SearchParameterDefinition(
        resource_type, code, raw["name"], raw["type"], expression, tuple(raw.get("target", ())),
        tuple(Component(**part) for part in raw.get("component", ())), raw["url"], raw["description"],
    )  # fmt: skip


def search_parameter(resource_type: str, code: str) -> SearchParameterDefinition | None:
    """One parameter of a type; None when the standard has none of that code."""
    return search_parameters(resource_type).get(code)


@cache
def elements(type_name: str) -> Mapping[str, ElementDefinition]:
    """Full path (`Patient.name`) → element, in the order of the snapshot; empty for an unknown type."""
    raw = _load("structures").get(type_name, {}).get("elements", {})
    return MappingProxyType({path: _element(path, one) for path, one in raw.items()})


def _element(path: str, raw: dict[str, Any]) -> ElementDefinition:
    types = tuple(ElementType(one[0], tuple(one[1]) if len(one) > 1 else ()) for one in raw.get("types", ()))
    strength, value_set = raw.get("binding", (None, None))
    return ElementDefinition(
        path, raw["min"], raw["max"], types, raw.get("summary", False), raw.get("modifier", False),
        strength, value_set, raw.get("short", ""), raw.get("content", ""),
    )  # fmt: skip


@cache
def element(type_name: str, path: str) -> ElementDefinition | None:
    """The element at a path, or None where the standard has none."""
    steps = path.removeprefix(f"{type_name}.").replace("[]", "").split(".")
    found, container = None, type_name
    for step in steps:
        found = _child(container, step)
        if found is None:
            return None
        container = _container(found, step)
    return found


def _child(container: str, step: str) -> ElementDefinition | None:
    """The element `step` of a type or of a backbone element's path."""
    inside = elements(container.split(".")[0])
    exact = inside.get(f"{container}.{step}") or inside.get(f"{container}.{step}[x]")
    if exact is not None:
        return exact
    choices = (one for one in inside.values() if one.is_choice and one.path.rpartition(".")[0] == container)
    return next((one for one in choices if step in dict(one.choices())), None)


def _container(found: ElementDefinition, step: str) -> str:
    """Where the children of an element are defined: its own path, the referred path, or its type."""
    code = dict(found.choices()).get(step) or (found.types[0].code if found.types else "")
    if found.content_reference:
        return found.content_reference
    return found.path if code in ("BackboneElement", "Element") else code


def _top(type_name: str) -> tuple[ElementDefinition, ...]:
    return tuple(one for path, one in elements(type_name).items() if path.count(".") == 1)


@cache
def summary_elements(type_name: str) -> frozenset[str]:
    """JSON names of the top-level elements that `_summary=true` keeps; choices under each of their names."""
    return frozenset(name for one in _top(type_name) if one.is_summary for name, _ in one.choices())


@cache
def mandatory_elements(type_name: str) -> frozenset[str]:
    """Names of the top-level elements that must be there; a choice as `value[x]`."""
    return frozenset(one.name for one in _top(type_name) if one.min > 0)


@cache
def modifier_elements(type_name: str) -> frozenset[str]:
    """Names of the top-level elements that may turn the meaning of the others; a choice as `value[x]`."""
    return frozenset(one.name for one in _top(type_name) if one.is_modifier)


def choice_names(type_name: str, path: str) -> tuple[tuple[str, str], ...]:
    """(JSON name, type) for each type of a choice: ("valueQuantity", "Quantity"), …; empty for no element."""
    found = element(type_name, path)
    return found.choices() if found else ()


def is_list(type_name: str, path: str) -> bool:
    """Whether the element repeats, so that JSON holds it as an array; False where there is no element."""
    found = element(type_name, path)
    return found is not None and found.is_list


@cache
def compartment(code: str) -> Mapping[str, tuple[str, ...]]:
    """Resource type → parameters that place it in the compartment; empty for an unknown compartment.

    Types that can't be in it are missing. The resource that the compartment is about belongs to it without
    a parameter saying so: https://hl7.org/fhir/R4/compartmentdefinition.html
    """
    found = _load("compartments").get(code, {})
    return MappingProxyType({name: tuple(codes) for name, codes in found.items()})


def compartment_types() -> tuple[str, ...]:
    """The compartments that R4 defines."""
    return tuple(_load("compartments"))


def required_binding(type_name: str, path: str) -> str | None:
    """The url of the value set that the element is bound to with strength `required`."""
    found = element(type_name, path)
    return found.value_set if found is not None and found.binding_strength == "required" else None


def invariants(path: str) -> tuple[InvariantDefinition, ...]:
    """The invariants defined at a path; those of a type (`Patient`, `Quantity`) with what it specializes."""
    names = (path,) if "." in path else ancestors(path)
    told = (one for name in names for one in _load("limits").get(name, {}).get("invariants", ()))
    return tuple(InvariantDefinition(*one) for one in told)


def max_value_set(path: str) -> str | None:
    """The value set that an element's codes must not leave, though its binding asks for less."""
    found: str | None = _load("limits").get(path, {}).get("maxValueSet")
    return found


def extension_types(url: str) -> tuple[str, ...] | None:
    """The types that an extension's value may have; empty where it has none, None for one that isn't R4's."""
    found = _load("extensions").get(url)
    return None if found is None else tuple(found)


@cache
def valueset_codes(url: str) -> frozenset[tuple[str, str]] | None:
    """The (system, code) pairs of an R4 value set; None when it is unknown or has no closed list of codes."""
    members = _load("valuesets").get(url.split("|")[0])
    if members is None:
        return None
    systems = _load("codesystems")
    return frozenset(
        (system, code)
        for system, codes in members.items()
        for code in (systems[system] if codes is None else codes)
    )


def codesystem_codes(system: str) -> Mapping[str, str] | None:
    """Code → display of a code system that is packaged whole; None otherwise."""
    found = _load("codesystems").get(system)
    return None if found is None else MappingProxyType(found)


def codesystem_display(system: str, code: str) -> str | None:
    """The display of a code of a packaged code system; None for an unknown system or code."""
    found: str | None = _load("codesystems").get(system, {}).get(code)
    return found
