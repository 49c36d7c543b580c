"""The kick-off: `$export` becomes a job, and the answer says where to ask for it.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-kick-off-request
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fhir_facade.audit.masking import raw
from fhir_facade.content import Request, Response
from fhir_facade.export.asked import PATIENT, SYSTEM, Asked, Reader, all_there
from fhir_facade.export.caller import holder, told
from fhir_facade.export.work import KIND
from fhir_facade.interactions.read import found
from fhir_facade.jobs.runner import Runner
from fhir_facade.jobs.store import Jobs
from fhir_facade.operations.operation import Invocation
from fhir_facade.outcome import FhirFault, Issue, outcome
from fhir_facade.service import Service

#: below the FHIR base; no resource type begins so
PLACE = "_export"
#: seconds that the transaction time lies before the kick-off: what was being written then (its time is set
#: before it is committed, by another clock perhaps) comes with the next export once more rather than never
MARGIN = 30
BUSY_SECONDS = 60


@dataclass(frozen=True)
class KickOff:
    """Starts exports. `most`: how many of one client may be under way at once."""

    jobs: Jobs
    runner: Runner
    most: int

    async def __call__(self, service: Service, call: Invocation) -> Response:
        """202 with the address to ask at."""
        request, level = call.request, call.resource_type or SYSTEM
        _refuse_unasked(request)
        parameters = [*request.parameters, *request.body_parameters]
        lenient = request.handling == "lenient"
        asked = Reader(service, level, lenient=lenient).read(parameters)
        if asked.patients is not None:
            await all_there(service, asked.patients)
        if call.id is not None:
            asked.patients = await _members(service, call.id, asked.patients)
        job_id = await self._kept(service, request, asked, parameters, lenient)
        self.runner.wake()
        address = f"{service.base}/{PLACE}/{job_id}"
        started = Issue("informational", f"the export has begun: ask {address}", "information")
        return Response(outcome([started]), 202, {"content-location": address})

    async def _kept(
        self,
        service: Service,
        request: Request,
        asked: Asked,
        parameters: Sequence[tuple[str, str]],
        lenient: bool,
    ) -> str:
        client = request.caller.client_id if request.caller else ""
        if await asyncio.to_thread(self.jobs.active, KIND, client) >= self.most:
            text = f"{self.most} exports of this client are under way: wait for one to end, or cancel it"
            raise FhirFault(429, "throttled", text, headers={"retry-after": str(BUSY_SECONDS)})
        moment = datetime.now(UTC).astimezone(service.site.tz) - timedelta(seconds=MARGIN)
        query = f"?{request.query}" if request.query else ""
        payload = {
            "level": asked.level,
            "parameters": parameters,
            "lenient": lenient,
            "patients": asked.patients,
            "request": f"{service.base}{request.path}{query}",
            "query": raw(request, service.base),
            "transactionTime": moment.isoformat(timespec="milliseconds"),
            "caller": told(request.caller),
            "address": request.address,
            "request_id": request.request_id,
        }
        return await asyncio.to_thread(self.jobs.add, KIND, payload, client, holder(service))


def _refuse_unasked(request: Request) -> None:
    """405 for HEAD, which shows what GET would do and does nothing; 400 without `Prefer: respond-async`; 403
    for who has broken the glass: that is for looking only.
    """
    if request.method == "HEAD":
        allow = {"allow": "GET, POST, OPTIONS"}
        raise FhirFault(405, "not-supported", "$export takes GET, POST, OPTIONS", headers=allow)
    preferred = request.headers.get("prefer", "").replace(" ", "").lower()
    if "respond-async" not in preferred.replace(";", ",").split(","):
        raise FhirFault(
            400, "required", "an export is asynchronous: send Prefer: respond-async", ("http.Prefer",)
        )
    if request.caller is not None and request.caller.emergency:
        raise FhirFault(403, "forbidden", "emergency access is for looking, not for exports")


async def _members(service: Service, group: str, named: Sequence[str] | None) -> list[str]:
    """The patients who are active members of a group, or those who are named of them; 404 where there is no
    such group, 400 for one who isn't a member.
    """
    resource = await found(service, "Group", group, strict=True)
    members = dict.fromkeys(_patients(resource))
    if named is None:
        return list(members)
    if any(one not in members for one in named):
        raise FhirFault(400, "not-found", "a patient is no active member of the group", ("http.patient",))
    return list(named)


def _patients(group: Mapping[str, Any]) -> Iterator[str]:
    for member in group.get("member", ()):
        kind, _, id_ = member.get("entity", {}).get("reference", "").rpartition("/")
        if kind == PATIENT and not member.get("inactive"):
            yield id_
