"""`init-cdss` fills an empty schema and no other; `migrate` sees the facade's own tables and no other."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Connection, Integer, MetaData, Table, inspect

from fhir_facade import cli
from fhir_facade.migrations import OWN, VERSIONS, include_object, is_ours
from fhir_facade.set_up import alembic
from tests.services.database import DatabaseServer

NEW = "cdss_new"


@pytest.fixture
def owner(server: DatabaseServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[DatabaseServer]:
    """The owner's settings for a schema that isn't there; afterwards it is gone again."""
    for name, value in replace(server, facade=server.owner).environment().items():
        monkeypatch.setenv(name, value)
    yield server
    with server.engine(server.owner).connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {NEW}")


def tables(server: DatabaseServer, schema: str) -> set[str]:
    return set(inspect(server.engine(server.owner, schema)).get_table_names())


def of_the_cdss(server: DatabaseServer, schema: str) -> set[str]:
    return {table for table in tables(server, schema) if not is_ours(table)}


@contextmanager
def root(server: DatabaseServer, connection: Connection, password: str) -> Iterator[None]:
    """A root with a password who may come over the network: MariaDB has one without, MySQL has none."""
    if server.kind == "mariadb":
        there = [f"ALTER USER 'root'@'127.0.0.1' IDENTIFIED BY '{password}'"]
        back = "ALTER USER 'root'@'127.0.0.1' IDENTIFIED BY ''"
    else:
        create = f"CREATE USER 'root'@'127.0.0.1' IDENTIFIED BY '{password}'"
        there = [create, "GRANT ALL ON *.* TO 'root'@'127.0.0.1'"]
        back = "DROP USER 'root'@'127.0.0.1'"
    for statement in there:
        connection.exec_driver_sql(statement)
    try:
        yield
    finally:
        connection.exec_driver_sql(back)


def test_an_empty_schema_gets_all_tables(owner: DatabaseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with owner.engine(owner.owner).connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {NEW}")
    monkeypatch.setenv("DB_NAME", NEW)
    assert cli.main(["init-cdss"]) == 0
    assert tables(owner, NEW) == of_the_cdss(owner, "cdss_db")


def test_root_makes_the_schema_as_well(
    owner: DatabaseServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with owner.engine(owner.owner).connect() as connection, root(owner, connection, "root-of-tests"):
        monkeypatch.setenv("DB_ROOT_PASSWORD", "root-of-tests")
        monkeypatch.setenv("DB_PASSWORD", "not used")
        monkeypatch.setenv("DB_NAME", NEW)
        assert cli.main(["init-cdss"]) == 0
    assert f"tables in {NEW}" in capsys.readouterr().out
    assert "lis_labresult" in tables(owner, NEW)


def test_a_schema_with_tables_is_left_alone(
    owner: DatabaseServer, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tables(owner, "cdss_db")
    assert cli.main(["init-cdss"]) == 2
    assert "has tables already" in capsys.readouterr().err
    assert tables(owner, "cdss_db") == before


def test_a_refused_login_is_told_without_its_password(
    owner: DatabaseServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "wrong-password")
    assert cli.main(["init-cdss"]) == 2
    said = capsys.readouterr().err
    assert "error 1045" in said
    assert "wrong-password" not in said


def test_migrations_come_after_the_tables_and_again(
    owner: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with owner.engine(owner.owner).connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {NEW}")
    monkeypatch.setenv("DB_NAME", NEW)
    assert cli.main(["migrate"]) == 0  # whichever comes first
    assert cli.main(["init-cdss"]) == 0
    assert cli.main(["migrate"]) == 0
    assert tables(owner, NEW) == of_the_cdss(owner, "cdss_db") | {VERSIONS} | set(OWN.tables)


def test_migrations_make_the_tables_that_the_code_declares(
    owner: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with owner.engine(owner.owner).connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {NEW}")
    monkeypatch.setenv("DB_NAME", NEW)
    assert cli.main(["migrate"]) == 0
    with owner.engine(owner.owner, NEW).connect() as connection:
        options = {"include_object": include_object, "version_table": VERSIONS, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, OWN) == []


def test_alembic_sees_no_table_of_the_cdss(owner: DatabaseServer) -> None:
    with owner.engine(owner.owner).connect() as connection:
        options = {"include_object": include_object, "version_table": VERSIONS}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, OWN) == []
        future = MetaData()
        for table in OWN.tables.values():
            table.to_metadata(future)
        Table("fhir_novelty", future, Column("id", Integer, primary_key=True))
        Table("lis_labresult", future, Column("id", Integer, primary_key=True))
        [(what, table)] = compare_metadata(context, future)
        assert (what, table.name) == ("add_table", "fhir_novelty")


def test_the_embedded_databases_are_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.delenv("DB_HOST", raising=False)
    assert cli.main(["migrate"]) == 0
    with sqlite3.connect(tmp_path / "cdss.db") as connection:
        found = connection.execute("SELECT version_num FROM fhir_alembic_version").fetchall()
    connection.close()
    assert len(found) == 1
    assert found != [("0001",)]
    assert cli.main(["init-cdss"]) == 2


def test_there_is_one_head(owner: DatabaseServer) -> None:
    from alembic.script import ScriptDirectory

    with owner.engine(owner.owner).connect() as connection:
        assert len(ScriptDirectory.from_config(alembic(connection)).get_heads()) == 1
        command.heads(alembic(connection))


def test_the_syncs_log_is_the_cdss_own() -> None:
    assert is_ours("fhir_novelty")
    assert not is_ours("fhir_synclog")
    assert not is_ours("lis_labresult")
