"""What is done to the server, and the figures that come of it. Each takes how long or how many."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from mappers.demo.scale import FIRST_ID
from tests.bench.database import started_mariadb
from tests.bench.families import FAMILIES
from tests.bench.servers import Served
from tests.services.database import OPENEMR, DatabaseServer
from tests.stress.client import Answer, get, leave, matches, outcomes, pages

# A worker's connections: DB_POOL_SIZE for what it serves, and those the authorization server keeps.
POOL = 12 + 2


@dataclass
class Figures:
    """How often each status came, and whatever else was counted."""

    statuses: Counter[int] = field(default_factory=Counter)
    left: int = 0
    connections: int = 0
    wrong: list[str] = field(default_factory=list)


async def disconnecting(
    served: Served, database: DatabaseServer, rows: int, readers: int, seconds: float
) -> Figures:
    """Parallel readers of which every third goes away before its answer is whole."""
    figures, end = Figures(), time.monotonic() + seconds
    paths = [p for f in FAMILIES if not f.paged for p in f.addresses(rows)[:10]]

    async def reader(number: int) -> None:
        random = Random(number)
        while time.monotonic() < end:
            path = random.choice(paths)
            if random.random() < 1 / 3:
                await leave(served, path, random.random() / 50, random.choice((0, 0, 100, 20_000)))
                figures.left += 1
            else:
                figures.statuses[(await get(served, path)).status] += 1

    await asyncio.gather(*(reader(n) for n in range(readers)))
    figures.connections = connections_of(database)
    return figures


def connections_of(database: DatabaseServer) -> int:
    """How many connections the facade's user holds."""
    with database.engine(database.owner).connect() as connection:
        statement = text("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = :user")
        return int(connection.scalar(statement, {"user": database.facade.name}))


async def restarting(
    served: Served, database: DatabaseServer, folder: Path, running: ExitStack, rows: int, times: int
) -> Figures:
    """The database is stopped and started again while readers ask; an answer is right or says 503."""
    paths = [f.addresses(rows)[0] for f in FAMILIES if not f.paged]
    right = {path: await get(served, path) for path in paths}
    figures, asking = Figures(), True

    async def reader(number: int) -> None:
        random = Random(number)
        while asking:
            path = random.choice(paths)
            _judge(figures, path, await get(served, path), right[path])

    tasks = [asyncio.create_task(reader(n)) for n in range(8)]
    for _ in range(times):
        await asyncio.sleep(0.5)
        await asyncio.to_thread(running.close)
        await asyncio.sleep(1)
        await asyncio.to_thread(running.enter_context, started_mariadb(database, folder))
        await asyncio.sleep(1)
    asking = False
    await asyncio.gather(*tasks)
    for path in paths:
        _judge(figures, f"afterwards: {path}", await get(served, path), right[path], may_fail=False)
    return figures


def _judge(figures: Figures, path: str, answer: Answer, right: Answer, *, may_fail: bool = True) -> None:
    figures.statuses[answer.status] += 1
    if answer.status == 200:
        told = bool(outcomes(answer.resource)) and may_fail
        if not told and _entries(answer) != _entries(right):
            figures.wrong.append(f"{path}: another answer")
    elif not (may_fail and answer.status == 503 and answer.resource["resourceType"] == "OperationOutcome"):
        figures.wrong.append(f"{path}: {answer.status} {answer.body[:200]!r}")


def _entries(answer: Answer) -> object:
    """What must be the same each time: everything but cursors."""
    resource = answer.resource
    return resource.get("entry", resource)


async def losing_a_source(served: Served, database: DatabaseServer) -> tuple[list[str], list[str], Answer]:
    """OpenEMR is taken away after the first page of all observations.

    Returns the ids seen, the later pages' issues, and the answer to who insists on everything.
    """
    seen: list[str] = []
    issues: list[str] = []
    try:
        async for bundle in pages(served, path := "Observation?_sort=-_lastUpdated&_count=1000"):
            seen += matches(bundle)
            issues += [issue["diagnostics"] for issue in outcomes(bundle)]
            if len(seen) == 1000:
                await asyncio.to_thread(openemr, database, "REVOKE SELECT ON {}.* FROM {}")
        strict = await get(served, path, prefer="handling=strict")
    finally:
        await asyncio.to_thread(openemr, database, "GRANT SELECT ON {}.* TO {}")
    return seen, issues, strict


def openemr(database: DatabaseServer, statement: str) -> None:
    """Gives or takes the facade's right on OpenEMR's schema; of a right it hasn't nothing is taken."""
    with database.engine(database.owner).begin() as connection, suppress(OperationalError):
        connection.exec_driver_sql(statement.format(OPENEMR, f"'{database.facade.name}'@'%%'"))


async def asking_long(served: Served, rows: int, requests: int) -> tuple[int, int]:
    """Resident memory (KiB) after a warm-up of a tenth of the requests, and after all of them."""
    paths = [p for f in FAMILIES if not f.paged for p in f.addresses(rows)]
    counter = iter(range(requests))

    async def reader() -> None:
        for number in counter:
            await get(served, paths[number % len(paths)])
            if number == requests // 10:
                warm.append(served.rss)

    warm: list[int] = []
    await asyncio.gather(*(reader() for _ in range(8)))
    return warm[0], served.rss


async def walking(served: Served, database: DatabaseServer, rows: int, sort: str) -> Counter[str]:
    """Every result's id as often as a walk over all pages shows it, while others come and go."""
    stop = asyncio.Event()
    writer = asyncio.create_task(asyncio.to_thread(_come_and_go, database, rows, stop))
    seen: Counter[str] = Counter()
    try:
        async for bundle in pages(served, f"Observation?category=laboratory&_count=200&_sort={sort}"):
            seen.update(matches(bundle))
    finally:
        stop.set()
        await writer
    return seen


def _come_and_go(database: DatabaseServer, rows: int, stop: asyncio.Event) -> None:
    """Inserts copies of results between the others, in key and in time, and deletes them again."""
    random = Random(1)
    columns = "order_id, specimen_id, patient_id, test_code, value, value_numeric, unit, status, updated_at"
    first = FIRST_ID + 10 * rows
    insert = text(
        f"INSERT INTO lis_labresult (id, resulted_at, {columns}) SELECT :id, DATE_ADD(resulted_at, "  # noqa: S608
        f"INTERVAL :minutes MINUTE), {columns} FROM lis_labresult WHERE id = :like"
    )
    with database.engine(database.owner).connect() as connection:
        while not stop.is_set():
            values = {"like": FIRST_ID + random.randrange(rows), "minutes": random.randrange(-500, 500)}
            key = random.choice((first, 1_000_000)) + random.randrange(5000)
            connection.execute(text("DELETE FROM lis_labresult WHERE id = :id"), {"id": key})
            connection.execute(insert, {"id": key, **values})
            connection.commit()
        connection.execute(text("DELETE FROM lis_labresult WHERE id >= :id"), {"id": first})
        connection.execute(text("DELETE FROM lis_labresult WHERE id < :id"), {"id": FIRST_ID})
        connection.commit()


def expected(rows: int) -> set[str]:
    """The ids of the results that stay."""
    return {f"lab-{number}" for number in range(FIRST_ID, FIRST_ID + rows)}
