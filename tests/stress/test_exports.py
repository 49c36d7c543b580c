"""Exports beside other work: what they take of memory, and of those who ask meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.bench import database, servers
from tests.bench.export import exported
from tests.bench.servers import Served
from tests.services.database import DatabaseServer
from tests.stress.client import get
from tests.stress.conftest import ROWS

Exporting = tuple[DatabaseServer, Served]


@pytest.fixture(scope="module")
def exporting() -> Iterator[Exporting]:
    """A server over 10,000 results that has its own tables."""
    with database.loaded_mariadb(ROWS) as server, servers.ours(server) as served:
        yield server, served


def one(exporting: Exporting) -> tuple[int, int]:
    """Resources of an export, and the server's memory (KiB) at its end."""
    with exported(*exporting) as (figures, _):
        return figures.resources, figures.rss


async def test_memory_stays_flat_over_exports(exporting: Exporting) -> None:
    count, warm = await asyncio.to_thread(one, exporting)
    assert count >= ROWS
    for _ in range(2):
        again, after = await asyncio.to_thread(one, exporting)
        assert again == count
        assert after < warm * 1.1


async def test_others_are_answered_while_an_export_is_made(exporting: Exporting) -> None:
    making = asyncio.create_task(asyncio.to_thread(one, exporting))
    answered = 0
    while not making.done():
        answer = await get(exporting[1], "Observation?_count=5")
        assert (answer.status, len(answer.resource["entry"])) == (200, 5)
        answered += 1
    assert (await making)[0] >= ROWS
    assert answered > 3
