"""batch: requests that stand each for itself. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

from typing import Any

from fhir_facade.content import Request, Response
from fhir_facade.interactions.bundles.entries import BATCH, Entry, entries
from fhir_facade.interactions.bundles.requests import Dispatch, answered, as_request, failed
from fhir_facade.outcome import FhirFault, Issue
from fhir_facade.service import Service

Resource = dict[str, Any]


async def batch(service: Service, request: Request, bundle: Resource, dispatch: Dispatch) -> Response:
    """200 with an answer for each entry, whatever became of the others; raises 413 for too many entries."""
    found = entries(bundle, service.base, service.settings.bundle_entry_limit)
    done = [await _done(service, request, entry, dispatch) for entry in found]
    return answered(BATCH, service.base, done)


async def _done(
    service: Service, request: Request, entry: Entry | Issue, dispatch: Dispatch
) -> tuple[Request, Response]:
    if isinstance(entry, Issue):
        return request, failed(FhirFault(400, entry.code, entry.diagnostics, entry.expression))
    try:
        asked = as_request(request, entry)
        if not entry.path:
            raise FhirFault(400, "not-supported", "a batch in a batch is not done", (entry.about("request"),))
    except FhirFault as fault:
        return request, failed(fault)
    return asked, await dispatch(service, asked)
