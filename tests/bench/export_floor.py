"""The floor of an export: the same SELECT page by page, the mapping by hand, orjson, one file, by itself.

`python -m tests.bench.export_floor FILE` prints resources, seconds, CPU seconds and peak memory (KiB).
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import orjson

from tests.bench.floor import SELECT, connect, observation

PAGE = 1000


async def pages(connection: Any) -> Any:
    """Every result, in the order of its key."""
    after = 0
    while True:
        cursor = connection.cursor()
        await cursor.execute(SELECT + "WHERE r.id > %s ORDER BY r.id LIMIT %s", (after, PAGE))
        rows = await cursor.fetchall()
        await cursor.close()
        yield rows
        if len(rows) < PAGE:
            return
        after = rows[-1][0]


async def write(path: Path) -> int:
    """Writes all results; how many."""
    connection, count = await connect(), 0
    with path.open("wb") as file:
        async for rows in pages(connection):
            file.write(b"".join(orjson.dumps(observation(row)) + b"\n" for row in rows))
            count += len(rows)
        file.flush()
        os.fsync(file.fileno())
    connection.close()
    return count


def main() -> None:
    """Measures itself."""
    path = Path(sys.argv[1])
    before, started = time.process_time(), time.perf_counter()
    count = asyncio.run(write(path))
    seconds = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(count, round(seconds, 3), round(time.process_time() - before, 3), memory)


if __name__ == "__main__":
    main()
