"""Whom resources are about: the patients in whose compartments they are.

https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fhir_facade.content import Request
from mappers.include import reference_types, values_at
from mappers.mapping import ResourceMapping, clean_name
from mappers.parse import RESIDENT_NUMBER
from terminology import definitions

Path = tuple[str, ...]
PATIENT = "Patient"
#: parameters that name a patient
ASKED = ("patient", "subject", "patient:Patient", "subject:Patient")


class PatientsOf:
    """Finds the patients of resources; which elements name them is read from the mappings once.

    With another `code` than Patient: the resources of that type in whose compartments they are.
    """

    def __init__(self, mappings: Mapping[str, ResourceMapping], code: str = PATIENT) -> None:
        self._code, self._prefix, self._length = code, f"{code}/", len(code) + 1
        self._paths = {name: _paths(mapping, code) for name, mapping in mappings.items()}

    def __call__(self, resources: Iterable[Mapping[str, Any]]) -> list[str]:
        """Logical ids, each once, in the order in which they come."""
        found: dict[str, None] = {}
        seen: set[int] = set()
        for resource in (kept := list(resources)):
            self._add(resource, found, seen)
        del kept  # until here no other object can have had the place in memory of one that was seen
        return list(found)

    def names(self, resource_type: str) -> bool:
        """Whether resources of that type can say whose they are."""
        return resource_type == self._code or bool(self._paths.get(resource_type))

    def add(self, resource: Mapping[str, Any], found: dict[str, None]) -> None:
        """Adds a resource's to what was found."""
        self._add(resource, found, set())

    def _add(self, resource: Mapping[str, Any], found: dict[str, None], seen: set[int]) -> None:
        """The same, but for references that were looked at: resources of a page share theirs."""
        kind = resource["resourceType"]
        if kind == self._code:
            found[resource["id"]] = None
        for path in self._paths.get(kind, ()):
            first = resource.get(path[0])
            if first is None or id(first) in seen:
                continue
            single = len(path) == 1 and isinstance(first, dict)
            if single:
                seen.add(id(first))
            for value in (first,) if single else _at(resource, path):
                if (reference := value.get("reference", "")).startswith(self._prefix):
                    found[reference[self._length :]] = None


def _paths(mapping: ResourceMapping, code: str) -> tuple[Path, ...]:
    """The elements of the compartment's parameters, as far as they really lead to that type."""
    inside = definitions.compartment(code).get(mapping.resource_type, ())
    named = (*inside, "patient", "subject") if code == PATIENT else inside
    leading = [n for n in named if n in mapping.params and code in reference_types(mapping, n)]
    texts = (text for n in leading for text in mapping.params[n].paths)
    return tuple(dict.fromkeys(_path(text) for text in texts))


def _path(text: str) -> Path:
    return tuple(clean_name(s) for s in text.partition(".where(")[0].split("."))


def _at(resource: Mapping[str, Any], path: Path) -> Iterable[Mapping[str, Any]]:
    """The references at a path."""
    return [value for value in values_at(resource, path) if isinstance(value, Mapping)]


def asked_for(request: Request) -> Iterator[str]:
    """The patients that a search names, found or not."""
    for name, value in (*request.parameters, *request.body_parameters):
        if name in ASKED:
            for one in value.split(","):
                yield from _named(one, typed=name.startswith("patient") or name.endswith("Patient"))


def _named(text: str, *, typed: bool) -> Iterator[str]:
    front, slash, id_ = text.rpartition("/")
    of_patient = front.endswith("Patient") if slash else typed
    if of_patient and _is_id(id_) and not RESIDENT_NUMBER.search(id_):
        yield id_


def _is_id(text: str) -> bool:
    return 0 < len(text) <= 64 and text.replace("-", "").replace(".", "").isalnum() and text.isascii()
