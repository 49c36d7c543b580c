"""Setting up databases: the CDSS's tables where there are none, and the facade's own."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from fhir_facade.inspection import inspecting_engine
from fhir_facade.migrations import VERSIONS, is_ours
from fhir_facade.settings import SettingFault, Settings
from mappers.create import create_cdss
from mappers.demo.embedded import alone


def add_to(commands: Any) -> None:
    """Adds `init-cdss` and `migrate` to the commands."""
    making = commands.add_parser("init-cdss", help="make the CDSS's tables, in an empty schema only")
    making.set_defaults(run=init_cdss)
    migrating = commands.add_parser("migrate", help="bring the facade's own tables up to date")
    migrating.set_defaults(run=migrate)


def init_cdss(settings: Settings, chosen: argparse.Namespace) -> int:
    """Makes the schema if there is none and the CDSS's tables in it; raises SettingFault where there are any.

    As root if DB_ROOT_PASSWORD is set, else as DB_USER.
    """
    if settings.embedded:
        raise SettingFault("DB_HOST: init-cdss is for MySQL and MariaDB; embedded databases make themselves")
    with _connected(settings, root=bool(settings.db_root_password)) as connection:
        _make_schema(connection, settings.db_name)
        held = [t for t in inspect(connection).get_table_names(schema=settings.db_name) if not is_ours(t)]
        if held:
            raise SettingFault(f"DB_NAME: {settings.db_name} has tables already ({', '.join(held[:5])} …)")
        connection.exec_driver_sql(f"USE {_quoted(settings.db_name)}")
        made = create_cdss(connection)
        connection.commit()
    print(f"{made} tables in {settings.db_name} on {settings.db_host}")
    return 0


def _make_schema(connection: Connection, name: str) -> None:
    if name not in inspect(connection).get_schema_names():
        connection.exec_driver_sql(
            f"CREATE DATABASE {_quoted(name)} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
        )


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def migrate(settings: Settings, chosen: argparse.Namespace) -> int:
    """Runs the migrations that the database hasn't had; raises SettingFault where it can't be asked."""
    with _writing(settings) as connection:
        command.upgrade(alembic(connection), "head")
        connection.commit()
    print("the facade's own tables are up to date")
    return 0


def migrate_embedded(settings: Settings) -> None:
    """Makes the embedded databases where there are none and brings them up to date; of workers that start
    together one does it.
    """
    with alone(settings.data_path, ".migrating"), _writing(settings) as connection:
        held = MigrationContext.configure(connection, opts={"version_table": VERSIONS}).get_current_heads()
        if set(held) != set(ScriptDirectory.from_config(alembic(connection)).get_heads()):
            connection.exec_driver_sql("PRAGMA busy_timeout = 10000")
            command.upgrade(alembic(connection), "head")
            connection.commit()


def alembic(connection: Connection) -> Config:
    """Alembic's configuration for a connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _writing(settings: Settings) -> Iterator[Connection]:
    """A connection to the CDSS's schema that may write."""
    if settings.embedded:
        from mappers.demo import create_embedded

        create_embedded(settings.data_path)
        engine = create_engine(
            f"sqlite:///{settings.data_path / 'cdss.db'}", poolclass=NullPool, hide_parameters=True
        )
        with engine.connect() as connection:
            yield connection
        return
    with _connected(settings) as connection:
        yield connection


@contextmanager
def _connected(settings: Settings, *, root: bool = False) -> Iterator[Connection]:
    """A connection; what the server refuses is a SettingFault that gives its number."""
    try:
        with inspecting_engine(settings, root=root).connect() as connection:
            yield connection
    except DBAPIError as error:
        code = error.orig.args[0] if error.orig and error.orig.args else "?"
        user = "root" if root else settings.db_user
        raise SettingFault(
            f"DB_HOST: {settings.db_host}:{settings.db_port} refuses {user} (error {code})"
        ) from None
