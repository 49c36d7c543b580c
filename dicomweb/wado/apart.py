"""GDCM's decoders, in a process of their own: over broken bits they end the process they are in.

JPEG lossless and JPEG of 12 bits have no other decoder here.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from dicomweb.wado import jpeg_extended
from dicomweb.wado.part10 import UnreadableError

SYNTAXES = {"1.2.840.10008.1.2.4." + n for n in ("51", "57", "70")}
_LOCK = threading.Lock()
_POOLS: list[ProcessPoolExecutor] = []
#: seconds that one frame may take
LONGEST = 60


def decode(frame: bytes, syntax: str, options: Mapping[str, Any], *, raw: bool) -> tuple[Any, dict[str, Any]]:
    """The frame's array and what pydicom tells of it; raises UnreadableError where it ended the decoder."""
    asked = (frame, syntax, dict(options), raw)
    pool = _pool()
    try:
        return pool.submit(_decode, *asked).result(LONGEST)
    except BrokenProcessPool:
        _forget(pool)
    except TimeoutError:
        _forget(pool)
        raise UnreadableError(f"a frame of it takes longer than {LONGEST} s to decode") from None
    return _alone(asked)


def _alone(asked: tuple[bytes, str, dict[str, Any], bool]) -> tuple[Any, dict[str, Any]]:
    """Once more, where nobody else's frame can have ended the process."""
    with _new() as pool:
        try:
            return pool.submit(_decode, *asked).result(LONGEST)
        except BrokenProcessPool:
            raise UnreadableError("its pixels end the decoder") from None


def _decode(frame: bytes, syntax: str, options: dict[str, Any], raw: bool) -> tuple[Any, dict[str, Any]]:
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
    pool.shutdown(wait=False, cancel_futures=True)
