"""GDCM's decoders, in a process of their own: over broken bits they end the process they are in.

JPEG lossless and JPEG of 12 bits have no other decoder here.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Mapping
from concurrent.futures import CancelledError, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from dicomweb.wado import jpeg_extended
from dicomweb.wado.part10 import UnreadableError

Asked = tuple[bytes, str, dict[str, Any], bool]
Decoded = tuple[Any, dict[str, Any]]
SYNTAXES = {"1.2.840.10008.1.2.4." + n for n in ("51", "57", "70")}
_LOCK = threading.Lock()
_POOLS: list[ProcessPoolExecutor] = []
#: seconds that one frame may take
LONGEST = 60


def decode(frame: bytes, syntax: str, options: Mapping[str, Any], *, raw: bool) -> Decoded:
    """The frame's array and what pydicom tells of it; raises UnreadableError where there is none in time."""
    asked = (frame, syntax, dict(options), raw)
    pool = _pool()
    try:
        return _within(pool, asked)
    except (BrokenProcessPool, CancelledError):
        _forget(pool)
    return _alone(asked)


def _alone(asked: Asked) -> Decoded:
    """Once more, where nobody else's frame can have ended the process."""
    pool = _new()
    try:
        return _within(pool, asked)
    except BrokenProcessPool:
        raise UnreadableError("its pixels end the decoder") from None
    finally:
        _end(pool)


def _within(pool: ProcessPoolExecutor, asked: Asked) -> Decoded:
    try:
        future = pool.submit(_decode, *asked)
    except RuntimeError:  # somebody else's frame ended it just now
        raise BrokenProcessPool from None
    try:
        return future.result(LONGEST)
    except TimeoutError:
        _forget(pool)
        raise UnreadableError(f"a frame of it takes longer than {LONGEST} s to decode") from None


def _decode(frame: bytes, syntax: str, options: dict[str, Any], raw: bool) -> Decoded:
    jpeg_extended.register()
    source = encapsulate([frame])
    return get_decoder(UID(syntax)).as_array(source, index=0, raw=raw, **options)


def _new(processes: int = 1) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))


def _pool() -> ProcessPoolExecutor:
    with _LOCK:
        if not _POOLS:
            _POOLS.append(_new(os.cpu_count() or 1))
        return _POOLS[0]


def _forget(pool: ProcessPoolExecutor) -> None:
    with _LOCK:
        if pool in _POOLS:
            _POOLS.remove(pool)
    _end(pool)


def _end(pool: ProcessPoolExecutor) -> None:
    """Ends its processes, also one that is stuck in a decoder; other frames of theirs are decoded anew."""
    processes = list((pool._processes or {}).values())  # Python 3.14 has kill_workers() for this
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()
