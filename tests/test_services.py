"""The database servers that the other tests rely on are what production has."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from tests.services.database import CDSS, OPENEMR, DatabaseServer, Login
from tests.services.packages import source_entry
from tests.services.process import listens


@contextmanager
def connected(server: DatabaseServer, user: Login | None = None, schema: str = CDSS) -> Iterator[Connection]:
    with server.engine(user, schema).connect() as connection:
        yield connection


@pytest.fixture
def zero_dates(server: DatabaseServer) -> Iterator[str]:
    """A table of OpenEMR's with a zero date in it, as its own application writes them."""
    with connected(server, server.owner, OPENEMR) as connection:
        connection.execute(text("SET sql_mode = ''"))
        connection.execute(text("CREATE TABLE zero_dates (id INT PRIMARY KEY, begdate DATE, date DATETIME)"))
        connection.execute(text("INSERT INTO zero_dates VALUES (1, '0000-00-00', '2024-00-00 00:00:00')"))
        connection.commit()
        yield "zero_dates"
        connection.execute(text("DROP TABLE zero_dates"))


def collation(server: DatabaseServer, schema: str) -> str:
    with connected(server) as connection:
        found = connection.execute(
            text(
                "SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = :schema"
            ),
            {"schema": schema},
        )
        return str(found.scalar_one())


def test_a_server_is_of_the_kind_it_says(server: DatabaseServer) -> None:
    with connected(server) as connection:
        version = connection.execute(text("SELECT VERSION()")).scalar_one()
    assert ("MariaDB" in version) == (server.kind == "mariadb")


def test_a_server_listens_on_the_loopback_only(server: DatabaseServer) -> None:
    with connected(server) as connection:
        assert connection.execute(text("SELECT @@bind_address")).scalar_one() == "127.0.0.1"
    assert listens(server.port)


def test_the_cdss_schema_has_its_collation_on_both(server: DatabaseServer) -> None:
    assert collation(server, CDSS) == "utf8mb4_unicode_ci"


def test_the_openemr_schema_has_the_servers_own_collation(server: DatabaseServer) -> None:
    expected = {"mariadb": "utf8mb4_general_ci", "mysql": "utf8mb4_0900_ai_ci"}
    assert collation(server, OPENEMR) == expected[server.kind]


def test_the_facade_may_do_everything_on_the_cdss(server: DatabaseServer) -> None:
    with connected(server) as connection:
        connection.execute(text("CREATE TABLE facade_may (id INT PRIMARY KEY)"))
        connection.execute(text("INSERT INTO facade_may VALUES (1)"))
        connection.execute(text("DROP TABLE facade_may"))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO zero_dates VALUES (2, NULL, NULL)",
        "UPDATE zero_dates SET id = 3",
        "DELETE FROM zero_dates",
        "DROP TABLE zero_dates",
        "CREATE TABLE facade_may_not (id INT PRIMARY KEY)",
    ],
)
def test_the_facade_may_not_write_openemr(server: DatabaseServer, zero_dates: str, statement: str) -> None:
    with connected(server, schema=OPENEMR) as connection, pytest.raises(OperationalError) as refused:
        connection.execute(text(statement))
    assert refused.value.orig is not None
    assert refused.value.orig.args[0] == 1142


def test_zero_dates_are_there_and_readable_as_text(server: DatabaseServer, zero_dates: str) -> None:
    with connected(server, schema=OPENEMR) as connection:
        row = connection.execute(
            text("SELECT CAST(begdate AS CHAR), CAST(date AS CHAR) FROM zero_dates")
        ).one()
    assert tuple(row) == ("0000-00-00", "2024-00-00 00:00:00")


def test_sql_is_strict_unless_told_otherwise(server: DatabaseServer) -> None:
    with connected(server) as connection:
        assert "STRICT_TRANS_TABLES" in connection.execute(text("SELECT @@sql_mode")).scalar_one()


def test_the_settings_name_the_facades_user(server: DatabaseServer) -> None:
    settings = server.environment()
    assert settings["DB_USER"] == server.facade.name
    assert settings["DB_NAME"] == CDSS
    assert settings["OPENEMR_DB_NAME"] == OPENEMR


def test_packages_come_from_the_systems_own_source() -> None:
    assert source_entry()["Types"] == "deb"
    assert source_entry()["URIs"]
