"""What the databases really hold: tables and columns, read once from the server's own catalogue."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from fhir_facade.settings import Settings
from mappers.database import sql_functions
from mappers.index_order import Indexes
from mappers.reach import CDSS_SCHEMA, ColumnName

OPENEMR_SCHEMA = "openemr"
#: data types of MySQL, MariaDB and SQLite as loosely as a driver's text allows
_CLASSES = {
    "date": ("date", "datetime", "timestamp", "time", "year"),
    "number": ("int", "decimal", "numeric", "float", "double", "real", "bit", "bool"),
    "binary": ("binary", "blob"),
}


@dataclass(frozen=True)
class Catalogue:
    """Every column there is, under the schemas' declared names, with its loose class."""

    columns: Mapping[ColumnName, str]

    @property
    def tables(self) -> set[tuple[str, str]]:
        """(schema, table) of every table."""
        return {c.of for c in self.columns}

    @property
    def schemas(self) -> set[str]:
        """The schemas in which anything can be seen."""
        return {c.schema for c in self.columns}


class Held(NamedTuple):
    """The columns of each index, in lower case; `in_order`: as far as it yields whole values upwards, which
    is not behind a prefix of a text.
    """

    every: Indexes
    in_order: Indexes


def schemas_of(settings: Settings) -> dict[str, str]:
    """The names that both schemas have at the server, and those that the declarations know them by."""
    return {settings.db_name: CDSS_SCHEMA, settings.openemr_db_name: OPENEMR_SCHEMA}


def inspecting_engine(settings: Settings, *, root: bool = False) -> Engine:
    """A plain engine for inspection and set-up; connections are closed at once.

    `root`: as root with DB_ROOT_PASSWORD, connected to no schema.
    """
    if settings.embedded:
        own = partial(_embedded, settings)
        return create_engine("sqlite://", creator=own, poolclass=NullPool, hide_parameters=True)
    url = URL.create(
        "mysql+pymysql",
        "root" if root else settings.db_user,
        settings.db_root_password if root else settings.db_password,
        settings.db_host,
        settings.db_port,
        None if root else settings.db_name,
        {"charset": "utf8mb4"},
    )
    # a join onto the first row there is looks like a product of tables to SQLAlchemy
    return create_engine(
        url,
        poolclass=NullPool,
        connect_args={"connect_timeout": 5},
        enable_from_linting=False,
        hide_parameters=True,
    )


def writing_engine(settings: Settings) -> Engine:
    """An engine for changes of the CDSS's rows; on SQLite a transaction takes the write lock at once."""
    if not settings.embedded:
        return inspecting_engine(settings)
    engine = create_engine(
        f"sqlite:///{settings.data_path / 'cdss.db'}", poolclass=NullPool, hide_parameters=True
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_at_once)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN is the only one
    connection.execute("PRAGMA busy_timeout = 10000")
    for name, arity, function in sql_functions():
        connection.create_function(name, arity, function, deterministic=True)


def _begin_at_once(connection: Connection) -> None:
    """A reader that becomes a writer later can't wait for others, it fails."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _embedded(settings: Settings) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{settings.data_path / 'cdss.db'}?mode=ro", uri=True)
    openemr = settings.data_path / "openemr.db"
    if openemr.exists():
        connection.execute("ATTACH DATABASE ? AS openemr", (f"{openemr}",))
    return connection


def catalogue(connection: Connection, settings: Settings) -> Catalogue:
    """The columns of both schemas that this user can see."""
    if connection.dialect.name == "sqlite":
        return Catalogue(_of_sqlite(connection))
    return Catalogue(_of_mysql(connection, schemas_of(settings)))


def _of_mysql(connection: Connection, names: Mapping[str, str]) -> dict[ColumnName, str]:
    rows = connection.exec_driver_sql(
        "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS "
        "WHERE TABLE_SCHEMA IN (%s, %s)",
        tuple(names),
    )
    return {ColumnName(names[schema], table, column): loose(kind) for schema, table, column, kind in rows}


def indexes(connection: Connection, settings: Settings) -> Held:
    """What the server's catalogue says of indexes; of embedded databases nothing is known."""
    if connection.dialect.name == "sqlite":
        return Held({}, {})
    names = schemas_of(settings)
    keys: dict[tuple[str, str, str], list[tuple[str, bool]]] = {}
    for schema, table, key, column, whole in connection.exec_driver_sql(
        "SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, COLUMN_NAME, "
        "INDEX_TYPE = 'BTREE' AND COLLATION = 'A' AND SUB_PART IS NULL FROM information_schema.STATISTICS "
        "WHERE TABLE_SCHEMA IN (%s, %s) ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX",
        tuple(names),
    ):
        keys.setdefault((names[schema], table, key), []).append((str(column).lower(), bool(whole)))
    every, in_order = defaultdict(list), defaultdict(list)
    for (schema, table, _), columns in keys.items():
        every[schema, table].append(tuple(c for c, _ in columns))
        in_order[schema, table].append(tuple(c for c, _ in takewhile(itemgetter(1), columns)))
    return Held(every, in_order)


def _of_sqlite(connection: Connection) -> dict[ColumnName, str]:
    found: dict[ColumnName, str] = {}
    for alias, schema in (("main", CDSS_SCHEMA), ("openemr", OPENEMR_SCHEMA)):
        if alias not in {row[1] for row in connection.exec_driver_sql("PRAGMA database_list")}:
            continue
        rows = connection.exec_driver_sql(
            f"SELECT m.name, c.name, c.type FROM {alias}.sqlite_master m, "  # noqa: S608 - two constants
            f"pragma_table_info(m.name, '{alias}') c WHERE m.type IN ('table', 'view')"
        )
        found |= {ColumnName(schema, table, column): loose(kind) for table, column, kind in rows}
    return found


def loose(data_type: str) -> str:
    """`text`, `number`, `date` or `binary` for a server's name of a type."""
    lowered = data_type.lower()
    for name, words in _CLASSES.items():
        if any(w in lowered for w in words) and lowered != "point":
            return name
    return "text"
