"""Whom resources are about that name no patient themselves: those of what they point at.

https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fhir_facade.audit.patients import PatientsOf
from fhir_facade.content import Response
from mappers.include import values_at
from mappers.mapping import ResourceMapping
from mappers.view import View

TARGET = "target"


class About:
    """Looks up what a Provenance is about; `view` sees everything, as the trail does."""

    def __init__(self, mappings: Mapping[str, ResourceMapping], view: View) -> None:
        self._view, self._patients_of = view, PatientsOf(mappings)
        self._types = frozenset(
            name
            for name, mapping in mappings.items()
            if TARGET in mapping.params and not self._patients_of.names(name)
        )
        self._served = frozenset(mappings)

    async def look(self, response: Response) -> None:
        """Adds the patients of all targets; mostly there are none to be looked up."""
        if any(resource["resourceType"] in self._types for resource in response.served):
            targets: dict[str, None] = {}
            for resource in response.served:
                self.add(resource, targets)
            response.about = await self.patients(targets)

    def add(self, resource: Mapping[str, Any], targets: dict[str, None]) -> None:
        """Adds the addresses (`Type/id`) of what a resource points at, if it names no patient itself."""
        if resource["resourceType"] not in self._types:
            return
        for value in values_at(resource, (TARGET,)):
            address: str = value.get("reference", "")
            if address.partition("/")[0] in self._served:
                targets[address] = None

    async def patients(self, targets: Iterable[str]) -> list[str]:
        """Logical ids of whom these are about, each once."""
        if not (addresses := list(targets)):
            return []
        found = await self._view.by_address(addresses)
        return self._patients_of(found.resources.values())
