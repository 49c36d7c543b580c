"""The services that tests share: each is started once, when first asked for, and stopped at the end."""

from collections.abc import Iterator

import pytest

from tests.services.database import DatabaseServer
from tests.services.mariadb import mariadb_server
from tests.services.mysql import mysql_server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[DatabaseServer]:
    """A MariaDB with both schemas, empty."""
    with mariadb_server() as server:
        yield server


@pytest.fixture(scope="session")
def mysql() -> Iterator[DatabaseServer]:
    """A MySQL with both schemas, empty."""
    with mysql_server() as server:
        yield server


@pytest.fixture(scope="session", params=["mariadb", "mysql"])
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Each kind of database server in turn: for what must hold on both."""
    started: DatabaseServer = request.getfixturevalue(request.param)
    return started
