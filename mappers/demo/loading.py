"""Schemas and rows into a database: MySQL, MariaDB or SQLite, through SQLAlchemy Core."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice
from typing import Any

from sqlalchemy import Connection, Engine, Table

from mappers.cdss.tables import CDSS
from mappers.column_types import MYSQL, JsonText
from mappers.demo.rows import Row
from mappers.openemr.tables import OPENEMR

# MySQL takes one INSERT of this many rows; more gains nothing and outgrows max_allowed_packet.
CHUNK = 2000

# What OpenEMR's own sessions do without, so that its zero dates and orphans can be written.
SESSION = {
    "sql_mode": "''",
    "foreign_key_checks": "0",
    "unique_checks": "0",
    # TIMESTAMP columns are given in the site's time, as all others are; the demo hospital is in Seoul.
    "time_zone": "'+09:00'",
}
MARIADB_SESSION = {"check_constraint_checks": "0"}


def create_schemas(connection: Connection) -> None:
    """Create the tables of both databases that are not there yet; the databases themselves must exist."""
    with openemr_session(connection):
        CDSS.create_all(connection)
        OPENEMR.create_all(connection)


def load(target: Engine | Connection, rows: Iterable[Row]) -> int:
    """Insert rows of complete tables and answer how many; an engine commits, a connection's caller does."""
    if isinstance(target, Engine):
        with target.begin() as connection:
            return load(connection, rows)
    with openemr_session(target):
        return sum(_insert(target, table, chunk) for table, chunk in chunks(rows))


def chunks(rows: Iterable[Row], size: int = CHUNK) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Runs of rows of one table, at most `size` at a time."""
    for _, run in groupby(rows, key=lambda row: row[0].fullname):
        while chunk := list(islice(run, size)):
            yield chunk[0][0], [row for _, row in chunk]


@contextmanager
def openemr_session(connection: Connection) -> Iterator[None]:
    """A session that takes what OpenEMR's own sessions take, and afterwards what it took before."""
    if connection.dialect.name not in MYSQL:
        yield
        return
    settings = SESSION | (MARIADB_SESSION if _is_mariadb(connection) else {})
    names = ", ".join(f"@@SESSION.{name}" for name in settings)
    before = tuple(connection.exec_driver_sql(f"SELECT {names}").one())
    _set(connection, settings)
    try:
        yield
    finally:
        _set(connection, {name: _literal(value) for name, value in zip(settings, before, strict=True)})


def _set(connection: Connection, settings: dict[str, str]) -> None:
    assignments = ", ".join(f"SESSION {name} = {value}" for name, value in settings.items())
    connection.exec_driver_sql(f"SET {assignments}")


def _literal(value: object) -> str:
    return str(value) if isinstance(value, int) else "'{}'".format(str(value).replace("'", "''"))


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> int:
    if connection.dialect.name in MYSQL and not _is_mariadb(connection):
        rows = [_valid_json(table, row) for row in rows]
    connection.execute(table.insert(), rows)
    return len(rows)


def _valid_json(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """The row for MySQL, whose JSON columns refuse broken text: it becomes a JSON string."""
    broken = [c.name for c in table.columns if isinstance(c.type, JsonText) and not _is_json(row[c.name])]
    return row | {name: json.dumps(row[name], ensure_ascii=False) for name in broken}


def _is_json(text: str | None) -> bool:
    try:
        json.loads("null" if text is None else text)
    except ValueError:
        return False
    return True


def _is_mariadb(connection: Connection) -> bool:
    return bool(getattr(connection.dialect, "is_mariadb", False))
