"""How far a long command is, told while it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def each_second(name: str, all_of_it: int) -> Callable[[int], None]:
    """What is told how much is done, and says so on standard error once a second."""
    last = time.monotonic()

    def told(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= 1:
            last = time.monotonic()
            print(f"{name}: {done:,} of {all_of_it:,}", file=sys.stderr, flush=True)

    return told
