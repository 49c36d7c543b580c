"""The services that tests share: each is started once, when first asked for, and stopped at the end."""

from collections.abc import Iterator

import pytest
from alembic import command

from fhir_facade.set_up import alembic
from mappers.demo.awkward import awkward_rows
from mappers.demo.hospital import demo_rows
from mappers.demo.loading import create_schemas, load
from tests.services.database import DatabaseServer
from tests.services.keycloak import PUBLIC, Keycloak, keycloak_server
from tests.services.mariadb import mariadb_server
from tests.services.mysql import mysql_server

pytest_plugins = ["tests.validator.plugin", "tests.facade.plugin", "tests.smart_auth.keycloak.plugin"]


@pytest.fixture(scope="session")
def mariadb() -> Iterator[DatabaseServer]:
    """A MariaDB that has the demo hospital and the awkward rows in it."""
    with mariadb_server() as server:
        fill(server)
        yield server


@pytest.fixture(scope="session")
def mysql() -> Iterator[DatabaseServer]:
    """A MySQL that has the demo hospital and the awkward rows in it."""
    with mysql_server() as server:
        fill(server)
        yield server


@pytest.fixture(scope="session", params=["mariadb", "mysql"])
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Each kind of database server in turn, with the same rows: for what must hold on both.

    All tests share its rows: one that writes puts back what was there, or starts a server of its own.
    """
    started: DatabaseServer = request.getfixturevalue(request.param)
    return started


@pytest.fixture(scope="session")
def keycloak() -> Iterator[Keycloak]:
    """A Keycloak with no realm but its own; each test module makes a realm for itself."""
    with keycloak_server(f"{PUBLIC}/api/auth/idp") as server:
        yield server


def fill(server: DatabaseServer) -> None:
    """All tables, the demo's rows and the awkward ones, and the facade's own tables, into an empty server."""
    with server.engine(server.owner).begin() as connection:
        create_schemas(connection)
        load(connection, demo_rows())
        load(connection, awkward_rows())
    with server.engine(server.owner).connect() as connection:
        command.upgrade(alembic(connection), "head")
        connection.commit()
