"""One database of 10,000 results and one server before it, for all short forms."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bench.database import started_mariadb, stopped_mariadb
from tests.bench.servers import Served, ours
from tests.services.database import DatabaseServer

ROWS = 10_000


@dataclass(frozen=True)
class Stressed:
    """A server under stress; closing `running` stops its database."""

    served: Served
    database: DatabaseServer
    folder: Path
    running: ExitStack
    rows: int = ROWS


@pytest.fixture(scope="module")
def stressed() -> Iterator[Stressed]:
    """The server and its database, both running."""
    with stopped_mariadb(ROWS) as (database, folder), ExitStack() as running:
        running.enter_context(started_mariadb(database, folder))
        with ours(database) as served:
            yield Stressed(served, database, folder, running)
