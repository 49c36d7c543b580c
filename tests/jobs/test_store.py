"""One job has one worker, on every database; a worker that comes back late changes nothing."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from fhir_facade.jobs.store import MOST_TRIES, LeaseLostError
from fhir_facade.jobs.tables import CANCELLED, COMPLETED, FAILED, IN_PROGRESS, REQUESTED
from tests.jobs.conftest import Bench


def test_a_job_is_taken_once_and_by_the_first(bench: Bench) -> None:
    job_id = bench.add(what="x")
    first = bench.jobs.take([bench.kind], "one", 60)
    assert first is not None
    assert (first.id, first.state, first.owner, first.attempt) == (job_id, IN_PROGRESS, "one", 1)
    assert json.loads(first.payload) == {"what": "x"}
    assert bench.jobs.take([bench.kind], "two", 60) is None


def test_of_many_workers_at_once_each_job_has_one(bench: Bench) -> None:
    ids = {bench.add() for _ in range(5)}

    def work(number: int) -> list[str]:
        found = []
        while (job := bench.jobs.take([bench.kind], f"worker-{number}", 60)) is not None:
            found.append(job.id)
        return found

    with ThreadPoolExecutor(8) as threads:
        taken = [one for found in threads.map(work, range(8)) for one in found]
    assert sorted(taken) == sorted(ids)


def test_a_job_of_another_kind_is_left_alone(bench: Bench) -> None:
    bench.add()
    assert bench.jobs.take(["something-else"], "one", 60) is None


def test_jobs_are_taken_in_the_order_in_which_they_came(bench: Bench) -> None:
    first = bench.add()
    bench.later += 1
    second = bench.add()
    taken = [bench.jobs.take([bench.kind], "one", 60) for _ in range(2)]
    assert [job.id for job in taken if job] == [first, second]


def test_a_job_whose_lease_ran_out_goes_on_where_it_was(bench: Bench) -> None:
    bench.add()
    first = bench.jobs.take([bench.kind], "one", 60)
    assert first is not None
    bench.jobs.checkpoint(first, 60, {"page": 7}, "7 pages")
    bench.later += 61
    second = bench.jobs.take([bench.kind], "two", 60)
    assert second is not None
    assert (second.id, second.owner, second.attempt) == (first.id, "two", 2)
    assert (json.loads(second.checkpoint), second.progress) == ({"page": 7}, "7 pages")


def test_a_worker_that_renews_keeps_its_job(bench: Bench) -> None:
    bench.add()
    job = bench.jobs.take([bench.kind], "one", 60)
    assert job is not None
    for _ in range(3):
        bench.later += 50
        bench.jobs.renew(job, 60)
        assert bench.jobs.take([bench.kind], "two", 60) is None


def test_a_worker_that_lost_its_lease_can_change_nothing(bench: Bench) -> None:
    bench.add()
    first = bench.jobs.take([bench.kind], "one", 60)
    bench.later += 61
    second = bench.jobs.take([bench.kind], "one", 60)  # the same name: only the attempt tells them apart
    assert first is not None
    assert second is not None
    changes: list[partial[None]] = [
        partial(bench.jobs.renew, first, 60),
        partial(bench.jobs.checkpoint, first, 60, {"late": True}, ""),
        partial(bench.jobs.release, first),
        partial(bench.jobs.end, first, COMPLETED, {"late": True}, 60),
    ]
    for change in changes:
        with pytest.raises(LeaseLostError):
            change()
    bench.jobs.end(second, COMPLETED, {"late": False}, 60)
    found = bench.jobs.get(second.id)
    assert found is not None
    assert (found.state, json.loads(found.result), found.checkpoint) == (COMPLETED, {"late": False}, "")


def test_a_job_that_is_given_back_waits_until_it_is_due(bench: Bench) -> None:
    bench.add()
    job = bench.jobs.take([bench.kind], "one", 60)
    assert job is not None
    bench.jobs.release(job, 30)
    assert bench.jobs.take([bench.kind], "two", 60) is None
    bench.later += 30
    again = bench.jobs.take([bench.kind], "two", 60)
    assert again is not None
    assert again.attempt == 2


def test_a_job_that_kills_its_workers_is_given_up(bench: Bench) -> None:
    job_id = bench.add()
    for _ in range(MOST_TRIES):
        assert bench.jobs.take([bench.kind], "one", 60) is not None
        bench.later += 61
    assert bench.jobs.take([bench.kind], "one", 60) is None
    found = bench.jobs.get(job_id)
    assert found is not None
    assert found.state == FAILED
    assert json.loads(found.result)["issue"][0]["code"] == "exception"


def test_a_job_that_comes_on_is_not_given_up(bench: Bench) -> None:
    bench.add()
    for number in range(3 * MOST_TRIES):
        job = bench.jobs.take([bench.kind], "one", 60)
        assert job is not None
        bench.jobs.checkpoint(job, 60, number, "")
        bench.later += 61


def test_a_cancelled_job_is_over_for_its_worker_and_taken_by_none(bench: Bench) -> None:
    running, waiting = bench.add(), None
    job = bench.jobs.take([bench.kind], "one", 60)
    waiting = bench.add()
    assert job is not None
    assert bench.jobs.cancel(running)
    assert not bench.jobs.cancel(running)
    assert bench.jobs.cancel(waiting)
    with pytest.raises(LeaseLostError):
        bench.jobs.renew(job, 60)
    bench.later += 1000
    assert bench.jobs.take([bench.kind], "two", 60) is None
    found = bench.jobs.get(running)
    assert found is not None
    assert found.state == CANCELLED


def test_an_ended_job_expires_and_is_forgotten_then_only(bench: Bench) -> None:
    job_id = bench.add()
    job = bench.jobs.take([bench.kind], "one", 60)
    assert job is not None
    bench.jobs.end(job, COMPLETED, {}, 100)
    bench.jobs.forget(job_id)
    assert bench.jobs.get(job_id) is not None
    assert job_id not in [one.id for one in bench.jobs.expired()]
    bench.later += 100
    assert job_id in [one.id for one in bench.jobs.expired()]
    bench.jobs.forget(job_id)
    assert bench.jobs.get(job_id) is None


def test_a_client_is_told_apart_and_its_jobs_are_counted_until_they_end(bench: Bench) -> None:
    bench.add()
    bench.add()
    assert bench.jobs.active(bench.kind, "a-client") == 2
    assert bench.jobs.active(bench.kind, "A-Client") == 0
    job = bench.jobs.take([bench.kind], "one", 60)
    assert job is not None
    assert bench.jobs.active(bench.kind, "a-client") == 2
    bench.jobs.end(job, FAILED, {}, 60)
    assert bench.jobs.active(bench.kind, "a-client") == 1


def test_an_id_is_found_exactly_or_not_at_all(bench: Bench) -> None:
    job_id = bench.add()
    found = bench.jobs.get(job_id)
    assert found is not None
    assert found.state == REQUESTED
    for other in (job_id.upper(), job_id + " ", job_id[:-1], "\ud800", ""):
        assert other == job_id or bench.jobs.get(other) is None
