"""What operations are declared to be, and their OperationDefinitions, computed from it.

https://hl7.org/fhir/R4/operationdefinition.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from terminology import definitions

Json = dict[str, Any]
LEVELS = ("system", "type", "instance")
ANY = "Resource"


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation; `type` is a data or resource type, empty for one that is made of `parts`.

    `max` is a number or `*`; `use` is `in` or `out`.
    """

    name: str
    type: str = ""
    documentation: str = ""
    min: int = 0
    max: str = "1"
    use: str = "in"
    parts: tuple[Parameter, ...] = ()

    @property
    def is_resource(self) -> bool:
        """Whether its values are resources."""
        return self.type == ANY or self.type in definitions.resource_types()

    @property
    def is_primitive(self) -> bool:
        """Whether it can stand in an address."""
        return self.type[:1].islower()


@dataclass(frozen=True, kw_only=True)
class Declared:
    """An operation: `definition` is its canonical address in the standard, or below our own base.

    `types` are resource types at the levels `type` and `instance`; `Resource` stands for every one.
    `searches`: it takes the search parameters of its type besides its own parameters.
    """

    name: str
    definition: str
    documentation: str
    levels: frozenset[str]
    types: frozenset[str] = frozenset()
    affects_state: bool = False
    searches: bool = False
    parameters: tuple[Parameter, ...] = ()

    @property
    def id(self) -> str:
        """The id of its OperationDefinition here: the last step of the definition's address."""
        return self.definition.rpartition("/")[2]

    def canonical(self, base: str) -> str:
        """The address of its definition."""
        return self.definition if "://" in self.definition else f"{base}/{self.definition}"

    @property
    def taken(self) -> tuple[Parameter, ...]:
        """What goes in."""
        return tuple(p for p in self.parameters if p.use == "in")

    def at(self, level: str, resource_type: str) -> bool:
        """Whether it is offered at a level of a type."""
        return level in self.levels and (level == "system" or bool({resource_type, ANY} & self.types))


def addresses(declared: Declared) -> Iterator[str]:
    """How it is called, below the base."""
    types = sorted(declared.types)
    for level in (one for one in LEVELS if one in declared.levels):
        if level == "system":
            yield f"${declared.name}"
        else:
            within = "/{id}" if level == "instance" else ""
            yield from (f"{'{type}' if t == ANY else t}{within}/${declared.name}" for t in types)


def claims(operations: Iterable[Declared], resource_type: str, base: str) -> list[Json]:
    """`rest.resource.operation` of a type, or `rest.operation` for the type ''."""
    levels = ("type", "instance") if resource_type else ("system",)
    return [
        {"name": one.name, "definition": one.canonical(base), "documentation": one.documentation}
        for one in operations
        if any(one.at(level, resource_type) for level in levels)
    ]


def operation_definition(declared: Declared, base: str) -> Json:
    """The OperationDefinition; what it is a form of is its `base`, if the standard has it."""
    found: Json = {
        "resourceType": "OperationDefinition",
        "id": declared.id,
        "url": f"{base}/OperationDefinition/{declared.id}",
        "name": "".join(step[:1].upper() + step[1:] for step in declared.id.replace("-", " ").split()),
        "title": f"${declared.name}",
        "status": "active",
        "kind": "operation",
        "publisher": "NeuroNova",
        "description": declared.documentation,
        "affectsState": declared.affects_state,
        "code": declared.name,
        "base": declared.canonical(base),
        "resource": sorted(declared.types),
        "system": "system" in declared.levels,
        "type": "type" in declared.levels,
        "instance": "instance" in declared.levels,
        "parameter": [_parameter(p) for p in declared.parameters],
    }
    if found["base"] == found["url"]:
        del found["base"]
    return {name: value for name, value in found.items() if value != []}


def _parameter(parameter: Parameter) -> Json:
    found: Json = {
        "name": parameter.name,
        "use": parameter.use,
        "min": parameter.min,
        "max": parameter.max,
        "documentation": parameter.documentation,
        "type": parameter.type,
        "part": [_parameter(p) for p in parameter.parts],
    }
    return {name: value for name, value in found.items() if value not in ("", [])}
