"""Nothing leaves that isn't recorded."""

from __future__ import annotations

from collections.abc import Mapping

from fhir_facade.audit.patients import PatientsOf
from fhir_facade.audit.requests import event_of, is_recorded
from fhir_facade.audit.trail import Trail, TrailDownError
from fhir_facade.content import Request, Response
from fhir_facade.outcome import FhirFault
from mappers.mapping import ResourceMapping


class Keeper:
    """Records FHIR requests in a trail, between answer and sending."""

    def __init__(self, trail: Trail, mappings: Mapping[str, ResourceMapping], base: str) -> None:
        self.trail, self.base = trail, base
        self._patients_of = PatientsOf(mappings)

    async def refusal(self, request: Request, response: Response, status: int) -> FhirFault | None:
        """None once the access is recorded; else what is answered instead."""
        if not is_recorded(request, status):
            return None
        try:
            await self.trail.record(event_of(request, response, status, self._patients_of, self.base))
        except TrailDownError:
            return FhirFault(
                503, "transient", "the audit trail can't be written just now, so nothing is answered"
            )
        return None
