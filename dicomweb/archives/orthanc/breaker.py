"""A circuit breaker: who is known to be down isn't waited for by every request."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dicomweb.archives.archive import ArchiveDownError

#: failures in a row after which nobody is let through
FAILURES = 3
#: seconds until somebody tries again: the first time, and at most
PAUSE, LONGEST = 1.0, 15.0


class OverloadedError(ArchiveDownError):
    """It could not be asked or answered badly, and may be well for others: no sign that it is down."""


class Breaker:
    """Lets everybody through until it fails again and again; then one from time to time, to see."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures, self._until, self._trying = 0, 0.0, False

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A try; raises ArchiveDownError at once while nobody is let through."""
        self._admit()
        try:
            yield
        except OverloadedError:
            raise
        except ArchiveDownError:
            self._failed()
            raise
        except Exception:
            self._failures = 0  # it has answered
            raise
        else:
            self._failures = 0
        finally:
            self._trying = False

    def _admit(self) -> None:
        if self._failures < FAILURES:
            return
        left = self._until - self._clock()
        if left > 0 or self._trying:
            raise ArchiveDownError("the imaging archive is down", max(1, math.ceil(left)))
        self._trying = True

    def _failed(self) -> None:
        self._failures += 1
        pause = PAUSE * 2.0 ** min(10, self._failures - FAILURES)
        self._until = self._clock() + min(LONGEST, pause)
