"""Nothing leaves that isn't recorded."""

from __future__ import annotations

import asyncio
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
        """None once the access is recorded, and each request of a Bundle; else what is answered instead."""
        done = [(request, response, status)]
        done += [(asked, told, told.status) for asked, told in response.within if asked is not request]
        events = [event_of(*one, self._patients_of, self.base) for one in done if is_recorded(one[0], one[2])]
        found = await asyncio.gather(*(self.trail.record(e) for e in events), return_exceptions=True)
        for error in found:
            if isinstance(error, TrailDownError):
                return FhirFault(
                    503, "transient", "the audit trail can't be written just now, so nothing is answered"
                )
            if error is not None:
                raise error
        return None
