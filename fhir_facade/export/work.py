"""Makes an export: page by page through the search engine, as its caller would see each page now.

Memory holds two pages, however many resources there are. What a page shows of patients is in the audit trail
before a checkpoint names it, and nothing is downloaded of an export that hasn't ended.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson

from fhir_facade.audit.about import About
from fhir_facade.audit.event import Event
from fhir_facade.audit.patients import PatientsOf
from fhir_facade.audit.trail import TrailDownError
from fhir_facade.content import dumps
from fhir_facade.export.asked import Asked, Reader
from fhir_facade.export.caller import Stands, caller_of
from fhir_facade.export.deleted import Deleted
from fhir_facade.export.files import Files, Writer
from fhir_facade.export.lines import Lines
from fhir_facade.export.state import DELETED, ERRORS, File, State, plan_of
from fhir_facade.export.steps import Step, steps
from fhir_facade.jobs.runner import FailedError, LaterError, Lease
from fhir_facade.jobs.store import Jobs
from fhir_facade.outcome import FhirFault, Issue, outcome
from fhir_facade.service import Service
from mappers.database import SourceDownError
from mappers.engine import Page
from mappers.plans import Position
from mappers.query import UNRESTRICTED
from mappers.view import View
from smart_auth.access.caller import Caller

KIND = "export"
#: rows that one statement asks for, and resources that are made before other requests have a turn
PAGE, AT_ONCE = 1000, 100
#: seconds between checkpoints, and between looks whether the caller may still see what they saw
CHECKPOINT, LOOK = 5.0, 5.0
#: patients that are remembered as told of; one who comes again after so many others is told of again
REMEMBERED = 100_000

Seen = Callable[[Caller | None], Awaitable[Service]]
Record = Callable[[Event], Awaitable[None]]


@dataclass(frozen=True)
class Sources:
    """What exports are made with: who sees what, whether a caller still stands, and the audit trail."""

    seen: Seen
    stands: Stands | None
    record: Record | None


class Exporting:
    """The work of export jobs."""

    def __init__(
        self, files: Files, sources: Sources, lifetime: int, page: int = PAGE, every: float = CHECKPOINT
    ) -> None:
        self.files, self.sources, self.lifetime = files, sources, lifetime
        self.page, self.every = page, every

    async def run(self, lease: Lease) -> dict[str, Any]:
        """Writes what is left to write; the files."""
        await asyncio.to_thread(self.files.make, lease.job.id)
        return await Export(self, lease).made()

    def remove(self, job_id: str) -> None:
        """Removes the files of an export."""
        self.files.remove(job_id)

    def tidy(self, jobs: Jobs) -> None:
        """Removes the files of exports that no database knows."""
        for job_id in self.files.jobs():
            if jobs.get(job_id) is None:
                self.files.remove(job_id)


class Export:
    """One attempt at an export."""

    def __init__(self, work: Exporting, lease: Lease) -> None:
        self.work, self.lease = work, lease
        self.payload = orjson.loads(lease.job.payload)
        self.state = State.of(orjson.loads(lease.job.checkpoint or "{}"))
        self.caller = caller_of(self.payload["caller"])
        self._writers: dict[str, Writer] = {}
        self._patients: OrderedDict[str, None] = OrderedDict()
        self._kept, self._looked = time.monotonic(), time.monotonic()

    async def made(self) -> dict[str, Any]:
        """The export, whole."""
        try:
            service = await self._seen()
            asked = self._asked(service)
            self._fits(plan_of(service, asked))
            self._tell(asked)
            planned = list(steps(asked, service.parser(), self.payload["transactionTime"]))
            for step in planned[self.state.step :]:
                await self._step(asked, step)
            while asked.since and self.state.step == len(planned):  # the last step
                await self._deleted(asked)
            await self._checkpoint()
        except (SourceDownError, TrailDownError) as error:
            raise LaterError(str(error)) from error
        except OSError as error:
            raise FailedError("no-store", "the files of the export can't be written") from error
        except FhirFault as fault:
            raise FailedError(fault.code, fault.diagnostics) from fault
        finally:
            for writer in self._writers.values():
                writer.close()
        return {kind: {"count": f.count, "segments": f.segments} for kind, f in self.state.files.items()}

    async def _seen(self) -> Service:
        """What the caller may see now; FailedError once they are nobody any more."""
        stands = self.work.sources.stands
        if self.caller is not None and stands is not None and not await stands(self.caller):
            raise FailedError("forbidden", "the client, or what it was given, has been revoked")
        self._looked = time.monotonic()
        return await self.work.sources.seen(self.caller)

    def _asked(self, service: Service) -> Asked:
        reader = Reader(service, self.payload["level"], lenient=self.payload["lenient"])
        asked = reader.read([(n, v) for n, v in self.payload["parameters"]])
        asked.patients = self.payload["patients"]
        return asked

    def _fits(self, plan: str) -> None:
        """How far it has come means something only among the same types, made of the same parts."""
        if self.state.plan not in ("", plan):
            raise FailedError("incomplete", "the server was changed while it exported: ask again")
        self.state.plan = plan

    def _tell(self, asked: Asked) -> None:
        """What was left out of the request, in the errors' file."""
        if asked.issues and not self.state.told:
            self._write(ERRORS, [_outcome(issue) for issue in asked.issues])
        self.state.told = True

    async def _step(self, asked: Asked, step: Step) -> None:
        """All pages of one query; a resource of several patients comes with the first of them."""
        resource_type = step.query.resource_type
        service = await self._seen()
        kept, patients_of = asked.kept(resource_type), PatientsOf(service.mappings)
        about, earlier = About(service.mappings, View(service.engine, UNRESTRICTED)), _earlier(asked, step)
        async with aclosing(self._pages(step)) as pages:
            async for page in pages:
                shown = Lines(kept, patients_of, about.add, earlier)
                await self._page(resource_type, page, shown)
                await self._told([*shown.patients, *await about.patients(shown.targets)], page.after)

    async def _deleted(self, asked: Asked) -> None:
        """A page of what was deleted: after all else, so that nothing is told as there and as gone."""
        deleted = Deleted(await self._current(), asked, self.payload["transactionTime"])
        page = await deleted.page(self.state.after())
        for kind, line in page.lines.items():
            self._write(kind + DELETED, [line])
        await self._told(page.patients, page.after)

    async def _told(self, patients: Sequence[str], after: Position | None) -> None:
        """A page was written: whom it shows is recorded, then the state stands behind it."""
        if self.work.sources.record is not None:
            await self._record(self.work.sources.record, patients)
        self.state.come_to(after)
        if time.monotonic() - self._kept >= self.work.every:
            await self._checkpoint()

    async def _pages(self, step: Step) -> AsyncGenerator[Page]:
        """Pages from where the state stands; the next is read while one is written."""
        after = self.state.after()
        coming = asyncio.create_task(self._read(step, after))
        try:
            while True:
                page = await coming
                if page.after is not None:
                    coming = asyncio.create_task(self._read(step, page.after))
                yield page
                if page.after is None:
                    return
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    async def _read(self, step: Step, after: Any) -> Page:
        view = (await self._current()).searching.lazily()
        if step.of_tables:
            page = await view.engine.page(step.query, self.work.page, after, access=view.access)
        else:
            page = await view.page(step.query, self.work.page, after)
        if page.down or page.lacking:
            raise LaterError(", ".join([*page.down, *page.lacking]))
        return page

    async def _current(self) -> Service:
        if time.monotonic() - self._looked >= LOOK:
            return await self._seen()
        return await self.work.sources.seen(self.caller)

    # what is written

    async def _page(self, resource_type: str, page: Page, shown: Lines) -> None:
        """Writes a page as its resources are made, and lets others have their turn meanwhile."""
        for lines in shown.of(page.each(), AT_ONCE):
            self._write(resource_type, lines)
            await asyncio.sleep(0)
        self._write(ERRORS, [_outcome(Issue("exception", text)) for text in shown.errors])

    def _write(self, kind: str, lines: Sequence[bytes]) -> None:
        if not lines:
            return
        if kind not in self._writers:
            job = self.lease.job
            self._writers[kind] = Writer(self.work.files, job.id, f"{kind}.{job.attempt}")
        self._writers[kind].write(b"\n".join((*lines, b"")))
        self.state.files.setdefault(kind, File()).count += len(lines)

    async def _record(self, record: Record, patients: Sequence[str]) -> None:
        """Those who are shown for the first time, in the audit trail."""
        fresh = [p for p in patients if p not in self._patients]
        if not fresh:
            return
        self._patients.update(dict.fromkeys(fresh))
        while len(self._patients) > REMEMBERED:
            self._patients.popitem(last=False)
        await record(
            Event(
                KIND,
                query=self.payload["query"],
                caller=self.caller,
                address=self.payload["address"],
                request_id=self.payload["request_id"],
                patients=fresh,
                details={"export": self.lease.job.id},
            )
        )

    async def _checkpoint(self) -> None:
        """Everything so far is on disk, then in the job."""
        for kind, writer in self._writers.items():
            self.state.files[kind].segments += await asyncio.to_thread(writer.durable)
        self._kept = time.monotonic()
        await self.lease.checkpoint(self.state.as_json(), f"{self.state.count} resources")


def _earlier(asked: Asked, step: Step) -> frozenset[str]:
    """The patients of the steps before, where an export goes from some patients to the next."""
    if not step.patients or asked.patients is None:
        return frozenset()
    distinct = list(dict.fromkeys(asked.patients))
    return frozenset(distinct[: distinct.index(step.patients[0])])


def _outcome(issue: Issue) -> bytes:
    return dumps(outcome([issue]))
