"""What is asked of an export once it has begun: how far it is, its files, and that it be dropped.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import orjson

from fhir_facade.content import Request, Response, takes_gzip
from fhir_facade.export.caller import holder
from fhir_facade.export.files import Files, Segment
from fhir_facade.export.kick_off import PLACE
from fhir_facade.export.state import DELETED, ERRORS
from fhir_facade.export.work import KIND
from fhir_facade.jobs.store import Jobs
from fhir_facade.jobs.tables import CANCELLED, COMPLETED, FAILED, Job
from fhir_facade.outcome import FhirFault, Issue, not_found, outcome
from fhir_facade.service import Service, refused
from fhir_facade.throttle import Throttle

NDJSON = "application/fhir+ndjson"
#: a client that keeps to Retry-After asks soon at first, later less and less often: these are seconds
SOONEST, LATEST = 1, 60


@dataclass(frozen=True)
class Polling:
    """Answers at the addresses below `_export`."""

    jobs: Jobs
    files: Files
    throttle: Throttle

    async def __call__(self, service: Service, request: Request, segments: Sequence[str]) -> Response:
        """The answer to a request at `_export/…`; 404 for what isn't there, or is another's."""
        job = await self._job(service, segments)
        if len(segments) == 2:
            if request.method not in ("GET", "HEAD"):
                raise _not_allowed("GET, HEAD, OPTIONS")
            return await self._file(service, request, job, segments[1])
        if request.method == "DELETE":
            return await self._dropped(job)
        if request.method not in ("GET", "HEAD"):
            raise _not_allowed("GET, HEAD, DELETE, OPTIONS")
        return await self._status(service, job)

    async def _job(self, service: Service, segments: Sequence[str]) -> Job:
        job = await asyncio.to_thread(self.jobs.get, segments[0]) if len(segments) in (1, 2) else None
        if job is None or job.kind != KIND or job.holder != holder(service):
            raise not_found("there is no such export, or it is not yours")
        if job.state == CANCELLED or 0 < job.expires <= self.jobs.now():
            raise not_found("this export is over: its files are gone")
        return job

    async def _dropped(self, job: Job) -> Response:
        """202, and from then on 404. https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-delete-request"""
        if not await asyncio.to_thread(self.jobs.cancel, job.id):
            raise not_found("this export is over: its files are gone")
        await asyncio.to_thread(self.files.remove, job.id)
        gone = Issue("informational", "the export is over and its files are gone", "information")
        return Response(outcome([gone]), 202)

    async def _status(self, service: Service, job: Job) -> Response:
        if job.state == COMPLETED:
            headers = {"expires": _http_date(job.expires)}
            return Response(manifest(service, job), 200, headers, "application/json")
        if job.state == FAILED:
            return Response({"resourceType": "OperationOutcome", **orjson.loads(job.result)}, 500)
        await self.throttle.polling(job.id)
        elapsed = self.jobs.now() - job.created
        wait = min(LATEST, max(SOONEST, elapsed // 10))
        headers = {"x-progress": job.progress or "waiting", "retry-after": str(wait)}
        return Response(None, 202, headers)

    async def _file(self, service: Service, request: Request, job: Job, name: str) -> Response:
        kind = name.removesuffix(".ndjson")
        found = orjson.loads(job.result).get(kind) if job.state == COMPLETED else None
        if found is None or kind == name:
            raise not_found("this export has no such file")
        resource_type = kind.removesuffix(DELETED)
        if kind != ERRORS and not service.may_search.opens(resource_type):
            raise refused(resource_type, "search")
        segments = [(n, size) for n, size in found["segments"]]
        if not await asyncio.to_thread(self.files.whole, job.id, segments):
            raise FhirFault(410, "deleted", "the file is gone: ask for a new export")
        return self._streamed(service, request, job, segments)

    def _streamed(
        self, service: Service, request: Request, job: Job, segments: Sequence[Segment]
    ) -> Response:
        headers = {"expires": _http_date(job.expires), "cache-control": "no-store", "vary": "Accept-Encoding"}
        chunks = self.files.chunks(job.id, segments)
        if service.settings.gzip and takes_gzip(request.headers.get("accept-encoding", "")):
            headers["content-encoding"], chunks = "gzip", _gzipped(chunks)
        else:
            headers["content-length"] = str(sum(size for _, size in segments))
        return Response(None, 200, headers, NDJSON, stream=_in_threads(chunks))


def manifest(service: Service, job: Job) -> dict[str, Any]:
    """The list of files: https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status"""
    payload, files = orjson.loads(job.payload), orjson.loads(job.result)
    place = f"{service.base}/{PLACE}/{job.id}"
    gone = {kind for kind in files if kind.endswith(DELETED)}
    listed = {
        kind: {
            "type": "Bundle" if kind in gone else kind,
            "url": f"{place}/{kind}.ndjson",
            "count": found["count"],
        }
        for kind, found in files.items()
    }
    return {
        "transactionTime": payload["transactionTime"],
        "request": payload["request"],
        "requiresAccessToken": service.settings.enable_security,
        "output": [entry for kind, entry in listed.items() if kind not in {ERRORS, *gone}],
        "deleted": [entry for kind, entry in listed.items() if kind in gone],
        "error": [listed[ERRORS]] if ERRORS in listed else [],
    }


def _not_allowed(allow: str) -> FhirFault:
    return FhirFault(405, "not-supported", f"this address takes {allow}", headers={"allow": allow})


def _http_date(seconds: int) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC), usegmt=True)


def _gzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(1, wbits=31)
    for chunk in chunks:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


async def _in_threads(chunks: Iterator[bytes]) -> AsyncGenerator[bytes]:
    """The chunks, each made outside of the event loop."""
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        yield chunk
