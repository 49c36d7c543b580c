"""What is kept for a while: bounded, made once, and given up when nobody waits for it any more."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request

from dicomweb.http.faults import DicomFault
from dicomweb.http.recent import Recent
from dicomweb.wado.pictures import while_wanted


async def made_of(value: bytes) -> bytes:
    await asyncio.sleep(0)
    return value


async def test_a_value_is_made_once_however_many_ask() -> None:
    recent, made = Recent(100), list[int]()

    async def make() -> bytes:
        made.append(1)
        return await made_of(b"x")

    assert await asyncio.gather(*(recent.get("a", make, len) for _ in range(8))) == [b"x"] * 8
    assert (await recent.get("a", make, len), made) == (b"x", [1])


async def test_no_more_is_held_than_the_limit_and_the_oldest_goes_first() -> None:
    recent = Recent(100)
    for number in range(20):
        await recent.get(number, lambda: made_of(bytes(20)), len)
        await recent.get(0, lambda: made_of(bytes(20)), len)
    assert recent.held == 100
    made = list[int]()

    async def again() -> bytes:
        made.append(1)
        return b""

    await recent.get(0, again, len)
    assert made == []
    await recent.get(5, again, len)
    assert made == [1]


async def test_what_is_too_large_is_not_kept() -> None:
    recent = Recent(100)
    assert len(await recent.get("a", lambda: made_of(bytes(60)), len)) == 60
    assert recent.held == 0


async def test_work_ends_when_the_last_who_waited_has_gone() -> None:
    recent, begun, ended = Recent(), asyncio.Event(), asyncio.Event()

    async def make() -> bytes:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return b""

    first, second = (asyncio.ensure_future(recent.get("a", make, len)) for _ in range(2))
    await begun.wait()
    first.cancel()
    await asyncio.sleep(0)
    assert not ended.is_set()
    second.cancel()
    await asyncio.wait_for(ended.wait(), 5)
    assert await recent.get("a", lambda: made_of(b"new"), len) == b"new"


async def test_who_asks_while_given_up_work_ends_gets_it_anew() -> None:
    """A viewer that scrolls back asks for the picture that it has given up a moment ago."""
    recent, begun, left = Recent(100), asyncio.Event(), asyncio.Event()

    async def slow() -> bytes:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await left.wait()
        return b"old"

    first = asyncio.ensure_future(recent.get("a", slow, len))
    await begun.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    again = [asyncio.ensure_future(recent.get("a", lambda: made_of(b"new"), len)) for _ in range(2)]
    await asyncio.sleep(0)
    left.set()
    assert (await asyncio.gather(*again), recent.held) == ([b"new"] * 2, 3)


async def test_a_refusal_is_each_waiters_own_and_is_not_kept() -> None:
    recent = Recent()

    async def refuse() -> bytes:
        await asyncio.sleep(0)
        raise DicomFault(404, "gone", {"x": "1"})

    asking = (recent.get("a", refuse, len) for _ in range(2))
    first, second = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(first, DicomFault)
    assert isinstance(second, DicomFault)
    first.headers["ratelimit"] = "another caller's"
    assert second.headers == {"x": "1"}
    assert await recent.get("a", lambda: made_of(b"there"), len) == b"there"


async def test_a_picture_is_given_up_when_its_client_goes() -> None:
    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    ended = asyncio.Event()

    async def work() -> bytes:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return b""

    request = Request({"type": "http", "method": "GET", "path": "/", "headers": []}, receive)
    with pytest.raises(DicomFault, match="gone"):
        await while_wanted(request, work())
    await asyncio.wait_for(ended.wait(), 5)
