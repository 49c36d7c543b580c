"""What a process does with the jobs that it takes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from fhir_facade.jobs.runner import PAUSE, FailedError, LaterError, Lease, Runner
from fhir_facade.jobs.store import Jobs
from fhir_facade.jobs.tables import CANCELLED, COMPLETED, FAILED, IN_PROGRESS, REQUESTED, Job
from tests.jobs.conftest import Bench


class Counting:
    """Counts to five, one checkpoint a step; `fault` is raised at the third, once."""

    lifetime = 100

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault, self.removed = fault, list[str]()
        self.at_three = asyncio.Event()
        self.wait = False

    async def run(self, lease: Lease) -> Any:
        number = json.loads(lease.job.checkpoint or "0")
        while number < 5:
            if number == 3:
                await self._third()
            number += 1
            await lease.checkpoint(number, f"{number} of 5")
        return {"counted": number}

    async def _third(self) -> None:
        self.at_three.set()
        if self.wait:
            await asyncio.sleep(3600)
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault

    def remove(self, job_id: str) -> None:
        self.removed.append(job_id)

    def tidy(self, jobs: Jobs) -> None:
        pass


def kept(bench: Bench, job_id: str) -> Job:
    found = bench.jobs.get(job_id)
    assert found is not None
    return found


async def test_a_job_is_done_and_its_result_kept(bench: Bench) -> None:
    job_id = bench.add()
    runner = Runner(bench.jobs, {bench.kind: Counting()})
    assert await runner.run_one()
    assert not await runner.run_one()
    job = kept(bench, job_id)
    assert (job.state, json.loads(job.result), job.expires) == (COMPLETED, {"counted": 5}, 1_000_100)


async def test_a_job_that_must_wait_goes_on_later_where_it_was(embedded_bench: Bench) -> None:
    bench, work = embedded_bench, Counting(LaterError("a source is down"))
    job_id, runner = bench.add(), Runner(bench.jobs, {bench.kind: work})
    await runner.run_one()
    job = kept(bench, job_id)
    assert (job.state, job.progress) == (REQUESTED, "3 of 5")
    assert not await runner.run_one()
    bench.later += PAUSE
    assert await Runner(bench.jobs, {bench.kind: work}).run_one()
    assert kept(bench, job_id).state == COMPLETED


async def test_an_error_that_nobody_foresaw_is_tried_again(embedded_bench: Bench) -> None:
    bench, work = embedded_bench, Counting(ZeroDivisionError())
    job_id, runner = bench.add(), Runner(bench.jobs, {bench.kind: work})
    await runner.run_one()
    assert kept(bench, job_id).state == REQUESTED
    assert work.removed == []


async def test_a_job_that_can_not_be_done_says_why_and_leaves_nothing(embedded_bench: Bench) -> None:
    bench, work = embedded_bench, Counting(FailedError("forbidden", "the client is gone"))
    job_id, runner = bench.add(), Runner(bench.jobs, {bench.kind: work})
    await runner.run_one()
    job = kept(bench, job_id)
    assert job.state == FAILED
    [issue] = json.loads(job.result)["issue"]
    assert issue == {"severity": "fatal", "code": "forbidden", "diagnostics": "the client is gone"}
    assert work.removed == [job_id]


async def test_a_process_that_stops_gives_its_job_back_at_once(bench: Bench) -> None:
    work = Counting()
    work.wait = True
    job_id, runner = bench.add(), Runner(bench.jobs, {bench.kind: work})
    runner.start()
    await asyncio.wait_for(work.at_three.wait(), 20)
    await runner.stop()
    job = kept(bench, job_id)
    assert (job.state, job.owner, job.tries, job.progress) == (REQUESTED, "", 0, "3 of 5")
    work.wait = False
    assert await Runner(bench.jobs, {bench.kind: work}).run_one()
    assert kept(bench, job_id).state == COMPLETED


async def test_a_process_stops_though_its_job_is_no_longer_its_own(embedded_bench: Bench) -> None:
    """A client has dropped the job, which the worker hasn't heard of yet."""
    bench, work = embedded_bench, Counting()
    work.wait = True
    job_id, runner = bench.add(), Runner(bench.jobs, {bench.kind: work})
    runner.start()
    await work.at_three.wait()
    bench.jobs.cancel(job_id)
    await asyncio.wait_for(runner.stop(), 5)
    assert kept(bench, job_id).state == CANCELLED


async def test_a_cancelled_job_stops_where_it_is(embedded_bench: Bench) -> None:
    bench, work = embedded_bench, Counting()
    work.wait = True
    job_id, runner = bench.add(), Runner(bench.jobs, {bench.kind: work}, lease=1)
    running = asyncio.create_task(runner.run_one())
    await asyncio.wait_for(work.at_three.wait(), 20)
    assert kept(bench, job_id).state == IN_PROGRESS
    bench.jobs.cancel(job_id)
    assert await asyncio.wait_for(running, 20)
    assert kept(bench, job_id).result == ""


async def test_a_new_job_is_begun_without_waiting(embedded_bench: Bench) -> None:
    bench, work = embedded_bench, Counting()
    runner = Runner(bench.jobs, {bench.kind: work})
    runner.start()
    await asyncio.sleep(0.1)
    bench.add()
    runner.wake()
    await asyncio.wait_for(work.at_three.wait(), 1.5)
    await runner.stop()


async def test_what_has_expired_is_removed_and_forgotten(embedded_bench: Bench) -> None:
    bench, work = embedded_bench, Counting()
    job_id, runner = bench.add(), Runner(bench.jobs, {bench.kind: work})
    await runner.run_one()
    runner.tidy()
    assert work.removed == []
    bench.later += work.lifetime
    runner.tidy()
    assert work.removed == [job_id]
    assert bench.jobs.get(job_id) is None
