"""A commit waits for company while others are under way, and never for long, nor for nobody."""

import asyncio
import time

import pytest

from fhir_facade.audit import company
from fhir_facade.audit.company import Company


def begun(wanted: Company, others: int) -> None:
    """So many requests are under way."""
    for _ in range(others):
        wanted.__enter__()


async def waits_until(expected: Company, waiting: list[str], enough: int) -> None:
    """A commit that begins with the last of so many, and with no one before."""
    commit = asyncio.ensure_future(expected.of(waiting))
    for number in range(len(waiting) + 1, enough + 1):
        await asyncio.sleep(0)
        assert not commit.done()
        waiting.append(str(number))
        expected.grown(number)
    await asyncio.wait_for(commit, 1)


async def test_who_is_alone_waits_for_nobody() -> None:
    alone = Company()
    for _ in range(2):
        waiting = asyncio.ensure_future(alone.of(["first"]))
        await asyncio.sleep(0)
        assert waiting.done()
        alone.released(1, 0)


@pytest.mark.parametrize(("under_way", "enough"), [(1, 2), (2, 3), (7, 8), (99, company.ENOUGH)])
async def test_a_commit_begins_once_those_under_way_wait(
    under_way: int, enough: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company, "MOST", 60.0)
    monkeypatch.setattr(company, "EACH", 60.0)
    expected, waiting = Company(), ["first"]
    begun(expected, under_way)
    await waits_until(expected, waiting, enough)


async def test_those_who_were_answered_just_now_are_expected_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(company, "MOST", 60.0)
    monkeypatch.setattr(company, "EACH", 60.0)
    asking_on, waiting = Company(), ["first"]
    asking_on.released(2, 1)
    await waits_until(asking_on, waiting, 3)


async def test_who_is_in_a_hurry_takes_those_along_who_wait_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(company, "MOST", 60.0)
    monkeypatch.setattr(company, "EACH", 60.0)
    searched = Company()
    begun(searched, 7)
    commit = asyncio.ensure_future(searched.of(waiting := ["read"]))
    await asyncio.sleep(0)
    assert not commit.done()
    searched.hurry()
    waiting.append("search")
    await asyncio.wait_for(commit, 1)
    searched.hurry()
    await asyncio.wait_for(searched.of(["another"]), 1)
    await waits_until(searched, ["read"], 8)


async def test_who_was_answered_long_ago_is_expected_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Company()
    gone.released(8, 0)
    monkeypatch.setattr(company, "MOST", 0.0)
    commit = asyncio.ensure_future(gone.of(["first"]))
    await asyncio.sleep(0)
    assert commit.done()


async def test_nobody_is_waited_for_longer_than_a_few_milliseconds_nor_twice_in_vain() -> None:
    vain, before, waiting = Company(), time.monotonic(), ["first", "second"]
    begun(vain, 99)
    await vain.of(waiting)
    assert time.monotonic() - before >= company.MOST * 0.9
    again = asyncio.ensure_future(vain.of(waiting))
    await asyncio.sleep(0)
    assert again.done()


async def test_a_request_that_fails_is_under_way_no_more() -> None:
    failing = Company()

    def fail() -> None:
        with failing:
            assert failing.under_way == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert failing.under_way == 0
