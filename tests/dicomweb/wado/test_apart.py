"""Decoders in processes of their own: one that dies or never ends costs its own frame, and none stays."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess

import pytest

from dicomweb.wado import apart
from dicomweb.wado.part10 import UnreadableError

#: other tests' decoders
BEFORE: set[BaseProcess] = set()
BASELINE = "1.2.840.10008.1.2.4.57"


def acting(frame: bytes, syntax: str, options: dict[str, object], raw: bool) -> apart.Decoded:
    """In place of a decoder: does what the frame says."""
    if frame == b"die":
        os._exit(11)
    if frame == b"stay":
        threading.Event().wait()
    time.sleep(0.2)
    return frame, {}


@pytest.fixture(autouse=True)
def as_the_frame_says(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    BEFORE.update(multiprocessing.active_children())
    monkeypatch.setattr(apart, "_decode", acting)
    monkeypatch.setattr(apart, "_POOLS", [])
    monkeypatch.setattr(apart, "LONGEST", 20)
    yield
    for pool in apart._POOLS:
        pool.shutdown()


def decoded(frame: bytes) -> bytes | str:
    try:
        return bytes(apart.decode(frame, BASELINE, {}, raw=True)[0])
    except UnreadableError as error:
        return str(error)


def all_end() -> bool:
    """Whether the decoders' processes end within some seconds.

    Asked again and again: of two threads that wait for the same process (the pool's own does too), the one
    that isn't told takes it for alive until the other has written down that it ended.
    """
    mine, until = set(multiprocessing.active_children()) - BEFORE, time.monotonic() + 10
    while any(child.is_alive() for child in mine):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_a_frame_that_ends_its_decoder_costs_nobody_else_theirs() -> None:
    frames = [b"one", b"die", b"two", b"die", b"three"]
    with ThreadPoolExecutor(len(frames)) as threads:
        told = list(threads.map(decoded, frames))
    assert told == [b"one", "its pixels end the decoder", b"two", "its pixels end the decoder", b"three"]


def test_a_decoder_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    assert decoded(b"warm") == b"warm"
    monkeypatch.setattr(apart, "LONGEST", 1)
    assert decoded(b"stay") == "a frame of it takes longer than 1 s to decode"
    assert all_end()
    monkeypatch.setattr(apart, "LONGEST", 20)
    assert decoded(b"after") == b"after"


def test_one_that_never_ends_by_itself_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "LONGEST", 3)
    with pytest.raises(UnreadableError, match="takes longer than 3 s"):
        apart._alone((b"stay", BASELINE, {}, True))
    assert all_end()
