"""Whom resources are about that name no patient themselves: those of what they point at.

https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
            response.about = await self._patients(response.served)

    async def _patients(self, served: Sequence[Mapping[str, Any]]) -> list[str]:
        pointing = (r for r in served if r["resourceType"] in self._types)
        addresses = dict.fromkeys(a for r in pointing for a in self._targets(r))
        found = await self._view.by_address(list(addresses))
        return self._patients_of(found.resources.values())

    def _targets(self, resource: Mapping[str, Any]) -> Iterator[str]:
        for value in values_at(resource, (TARGET,)):
            address: str = value.get("reference", "")
            if address.partition("/")[0] in self._served:
                yield address
