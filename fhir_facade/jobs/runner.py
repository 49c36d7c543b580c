"""Does jobs: one at a time in each process, beside its requests."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ParamSpec, Protocol, TypeVar

from fhir_facade.jobs.store import Jobs, LeaseLostError
from fhir_facade.jobs.tables import COMPLETED, FAILED, Job

log = logging.getLogger("fhir_facade.jobs")
#: seconds that a worker may be silent before another takes its job over
LEASE = 60
#: seconds between looks for a job, and between looks for what has expired
LOOK, TIDY = 2.0, 60.0
#: seconds after an attempt that failed
PAUSE = 30
_P = ParamSpec("_P")
_T = TypeVar("_T")


class LaterError(Exception):
    """What the job needs isn't there just now; it is tried again in a while."""


class FailedError(Exception):
    """The job can't be done: `result` says why (an OperationOutcome's issues)."""

    def __init__(self, code: str, diagnostics: str) -> None:
        super().__init__(diagnostics)
        self.result = {"issue": [{"severity": "fatal", "code": code, "diagnostics": diagnostics}]}


class Lease:
    """A job that this worker has; all of it raises LeaseLostError once it has it no longer."""

    def __init__(self, jobs: Jobs, job: Job, seconds: int) -> None:
        self.jobs, self.job, self.seconds = jobs, job, seconds

    async def renew(self) -> None:
        """Tells that the work goes on."""
        await asyncio.to_thread(self.jobs.renew, self.job, self.seconds)

    async def checkpoint(self, checkpoint: Any, progress: str) -> None:
        """Keeps how far the work has come: whoever goes on begins here."""
        await asyncio.to_thread(self.jobs.checkpoint, self.job, self.seconds, checkpoint, progress)


class Work(Protocol):
    """How jobs of one kind are done."""

    #: seconds that what comes of a job is kept
    lifetime: int

    async def run(self, lease: Lease) -> Any:
        """Does the job, or what is left of it; its result. Raises LaterError, FailedError."""

    def remove(self, job_id: str) -> None:
        """Removes what a job left outside the table."""

    def tidy(self, jobs: Jobs) -> None:
        """Removes what jobs left that nobody knows of any more."""


class Runner:
    """Takes jobs from the store and does them, until it is stopped."""

    def __init__(self, jobs: Jobs, works: Mapping[str, Work], lease: int = LEASE) -> None:
        self.jobs, self.works, self.lease = jobs, works, lease
        self.owner = f"{socket.gethostname()[:32]}-{os.getpid()}-{os.urandom(4).hex()}"
        self._bell, self._tasks = asyncio.Event(), list[asyncio.Task[None]]()

    def wake(self) -> None:
        """There is a new job."""
        self._bell.set()

    def start(self) -> None:
        """Begins to look for jobs."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._forever(f)) for f in (self._work, self._tidy)]

    async def stop(self) -> None:
        """Gives the job at hand back, for another process to go on with."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _forever(self, turn: Callable[[], Any]) -> None:
        while True:
            try:
                await turn()
            except Exception as error:
                log.error("jobs can't be looked after: %s", type(error).__name__)
                await asyncio.sleep(PAUSE)

    async def _work(self) -> None:
        self._bell.clear()
        if not await self.run_one():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), LOOK)

    async def _tidy(self) -> None:
        await asyncio.to_thread(self.tidy)
        await asyncio.sleep(TIDY)

    def tidy(self) -> None:
        """Removes what has expired, and what is left of jobs that are gone."""
        for job in self.jobs.expired():
            if (work := self.works.get(job.kind)) is not None:
                work.remove(job.id)
            self.jobs.forget(job.id)
        for work in self.works.values():
            work.tidy(self.jobs)

    async def run_one(self) -> bool:
        """Does one job, if there is one."""
        taking = asyncio.to_thread(self.jobs.take, list(self.works), self.owner, self.lease)
        job = await _whole(taking)
        if job is None:
            return False
        lease = Lease(self.jobs, job, self.lease)
        try:
            await self._run(lease)
        except LeaseLostError:
            log.warning("job %s is another's now, or over", job.id)
        return True

    async def _run(self, lease: Lease) -> None:
        job, work = lease.job, self.works[lease.job.kind]
        try:
            result = await _beating(work.run(lease), lease)
        except asyncio.CancelledError:
            await self._given_back(job)
            raise
        except LeaseLostError:
            raise
        except FailedError as error:
            await asyncio.to_thread(self.jobs.end, job, FAILED, error.result, work.lifetime)
            await asyncio.to_thread(work.remove, job.id)
        except Exception as error:
            unforeseen = not isinstance(error, LaterError)
            log.warning("job %s is tried again: %s", job.id, type(error).__name__, exc_info=unforeseen)
            await asyncio.to_thread(self.jobs.release, job, PAUSE)
        else:
            await asyncio.to_thread(self.jobs.end, job, COMPLETED, result, work.lifetime)

    async def _given_back(self, job: Job) -> None:
        """Gives a job back as the process stops, which it does whether or not that could be done: a job that
        can't be given back is another's already, or free when its lease runs out.
        """
        try:
            await _whole(asyncio.to_thread(self.jobs.release, job, tried=False))
        except Exception as error:
            log.warning("job %s was not given back: %s", job.id, type(error).__name__)


async def _beating(work: Any, lease: Lease) -> Any:
    """Does the work while the lease is renewed; LeaseLostError ends it where it stands."""
    working = asyncio.ensure_future(work)
    beating = asyncio.create_task(_beat(lease))
    try:
        await asyncio.wait([working, beating], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            beating.result()
        return await working
    finally:
        for task in (working, beating):
            task.cancel()
        await asyncio.gather(working, beating, return_exceptions=True)


async def _beat(lease: Lease) -> None:
    while True:
        await asyncio.sleep(lease.seconds / 3)
        await lease.renew()


async def _whole(doing: Any) -> Any:
    """What must not be left half done, even if the one who waits is cancelled."""
    task = asyncio.ensure_future(doing)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(Exception):  # who is cancelled ends, whatever became of it
            await task
        raise
