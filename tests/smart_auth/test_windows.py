"""Requests are counted in windows of a minute, whose ends are asked of the storage once."""

import asyncio
import time

import pytest
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage

from fhir_facade import throttle
from fhir_facade.outcome import FhirFault
from fhir_facade.throttle import Counter, Windows

THREE = RateLimitItemPerMinute(3, namespace="caller")


class Asked(MemoryStorage):
    """Notes whose end it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[str] = []

    async def get_expiry(self, key: str) -> float:
        self.ends.append(key)
        return await super().get_expiry(key)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as a test sets it."""
    now = [1_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


async def test_what_is_left_counts_down_to_the_end_of_its_window_and_begins_anew(clock: list[float]) -> None:
    storage = Asked()
    counter, told = Counter(storage), []
    for seconds in (0, 20, 20, 20.5):
        clock[0] += seconds
        told.append((await counter.counted(THREE, "token", 1))["ratelimit"])
    assert told == [f'"caller";r={r};t={t}' for r, t in ((2, 60), (1, 40), (0, 20), (2, 60))]
    assert len(storage.ends) == 2


async def test_one_too_many_is_told_when_to_go_on(clock: list[float]) -> None:
    counter = Counter(Asked())
    await counter.counted(THREE, "token", 3)
    clock[0] += 45
    with pytest.raises(FhirFault) as refused:
        await counter.counted(THREE, "token", 1)
    assert (refused.value.status, refused.value.headers["retry-after"]) == (429, "15")
    assert (await counter.counted(THREE, "another", 1))["ratelimit"] == '"caller";r=2;t=60'


async def test_ends_that_are_kept_at_hand_are_bounded(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MOST_WINDOWS", 2)
    counter = Counter(Asked())
    for name in ("one", "two", "three", "one"):
        clock[0] += 1
        told = (await counter.counted(THREE, name, 1))["ratelimit"]
    assert told == '"caller";r=1;t=57'
    assert len(counter._ends) <= 2


async def test_ended_windows_are_looked_for_when_one_begins_and_not_at_each_request() -> None:
    windows = Windows()
    assert await windows.incr("long gone", 0.0) == 1
    assert await windows.incr("a caller's", 60) == 1
    await asyncio.sleep(0.01)
    assert "long gone" not in windows.storage
    look = windows.timer
    assert await windows.incr("a caller's", 60, amount=3) == 4
    assert windows.timer is look
    assert await windows.incr("another's", 60) == 1
    assert windows.timer is not look
