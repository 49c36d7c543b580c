"""The hot read path's databases: asyncmy on MySQL and MariaDB, sqlite3 embedded; rows come as text.

No driver may interpret a value: a zero date or a broken number must not take its page with it. Value kinds
decide what is fit to be shown.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import Dialect

from mappers.at_rest import AtRest
from mappers.prepared import MOST, Often, Sql, fetched

Rows = Sequence[tuple[Any, ...]]


class SourceDownError(Exception):
    """A source can't be asked just now: missing schema or table, refused access, lost connection."""


class TooComplexError(Exception):
    """A statement that the database can't take: too many alternatives, tables or parameters in it."""


class TooSlowError(SourceDownError):
    """A statement ran into the time limit and was cancelled."""


class Database(Protocol):
    """What the engine needs of a database."""

    dialect: Dialect
    collation: str
    schemas: dict[str, str]
    #: how what clients have written is kept in it
    at_rest: AtRest

    async def fetch(self, sql: str, parameters: tuple[Any, ...]) -> Rows:
        """All rows; raises SourceDownError where the fault is the source's and not the statement's."""

    def forget(self) -> None:
        """Gives up connections that are open: the next statement runs on a new one."""

    async def close(self) -> None:
        """Gives all connections back."""


@dataclass(frozen=True)
class MySqlSettings:
    """Where the databases are, and as whom."""

    host: str = "127.0.0.1"
    port: int = 3306
    user: str = "facade"
    password: str = ""
    database: str = "cdss_db"
    openemr: str = "openemr"
    zone: str = "+09:00"
    pool: int = 12
    statement_seconds: float = 30.0


#: server errors that are the source's and not the statement's (https://mariadb.com/kb/en/mariadb-error-codes/)
DOWN = frozenset({1044, 1045, 1049, 1130, 1142, 1143, 1146, 1053, 1927, 2002, 2003, 2006, 2013, 2055})
TOO_SLOW = frozenset({1969, 3024, 1317})
TOO_COMPLEX = frozenset({1116, 1153, 1390, 1436})
DOWN_FOR_SQLITE = ("no such table", "unable to open", "unknown database")
#: instructions of SQLite's machine between two looks at the clock: a fraction of a millisecond
STEPS_BETWEEN_LOOKS = 20_000
TOO_COMPLEX_FOR_SQLITE = ("too large", "too many", "too complex", "parser stack overflow")


# the driver logs the server's warnings, and those repeat values of rows: no clinical data in logs
logging.getLogger("asyncmy").setLevel(logging.CRITICAL)


class MySql:
    """MySQL or MariaDB over asyncmy with an own small pool."""

    def __init__(self, settings: MySqlSettings) -> None:
        self.settings = settings
        self.dialect: Dialect = mysql.dialect(paramstyle="format")
        self.collation = "utf8mb4_unicode_ci"
        self.schemas = {} if settings.openemr == "openemr" else {"openemr": settings.openemr}
        self.at_rest = AtRest()
        self._free: list[Any] = []
        self._places = asyncio.Semaphore(settings.pool)
        self._often = Often()

    async def fetch(self, sql: str, parameters: tuple[Any, ...]) -> Rows:
        """All rows of a statement. A connection that fails in any way is closed, never given back."""
        async with self._places:
            try:
                return await self._fetch(sql, parameters)
            except Exception as error:
                raise translated(error) from error

    async def _fetch(self, sql: str, parameters: tuple[Any, ...]) -> Rows:
        connection, fresh = await self._connection()
        try:
            rows = await self._ask(connection, sql, parameters)
        except BaseException as error:
            connection.close()
            if not fresh and isinstance(error, Exception) and code_of(error) in (2006, 2013, 0):
                return await self._again(sql, parameters)  # an idle connection that the server had closed
            raise
        self._free.append(connection)
        return rows

    async def _ask(self, connection: Any, sql: str, parameters: tuple[Any, ...]) -> Rows:
        if not isinstance(sql, Sql):
            return await _run(connection, sql, parameters)
        rows = None
        if sql in self._often.chosen and (rows := await fetched(connection, sql, parameters)) is None:
            self._often.unfit(sql)
        if rows is None:
            rows = await _run(connection, sql, parameters)
        self._often.answered(sql, rows)
        return rows

    async def _again(self, sql: str, parameters: tuple[Any, ...]) -> Rows:
        self.forget()
        connection = await self.connect(MOST)
        try:
            rows = await _run(connection, sql, parameters)
        except BaseException:
            connection.close()
            raise
        self._free.append(connection)
        return rows

    async def _connection(self) -> tuple[Any, bool]:
        return (self._free.pop(), False) if self._free else (await self.connect(MOST), True)

    async def connect(self, prepared: int = 0) -> Any:
        """A new connection in the session that all of them have; whoever takes it closes it.

        `prepared`: how many statements it may keep prepared; without any, it prepares none.
        """
        import asyncmy

        s = self.settings
        connection = await asyncmy.connect(
            host=s.host,
            port=s.port,
            user=s.user,
            password=s.password,
            db=s.database,
            charset="utf8mb4",
            connect_timeout=5,
            autocommit=True,
            conv=_conversions(),
            stmt_cache_size=prepared,
        )
        try:
            for statement in await self._session(connection):
                await _run(connection, statement, ())
        except BaseException:
            connection.close()
            raise
        return connection

    async def _session(self, connection: Any) -> list[str]:
        """What each session is told: collation of the CDSS schema, strict but tolerant of zero dates, the
        site's zone (so that TIMESTAMP columns show local time like all others), and a time limit.
        """
        [(version, collation)] = await _run(
            connection,
            "SELECT VERSION(), DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA "
            "WHERE SCHEMA_NAME = DATABASE()",
            (),
        )
        self.collation = str(collation)
        seconds = self.settings.statement_seconds
        limit = (
            f"SET SESSION max_statement_time = {seconds}"
            if "mariadb" in str(version).lower()
            else f"SET SESSION max_execution_time = {int(seconds * 1000)}"
        )
        return [
            f"SET NAMES utf8mb4 COLLATE {collation}",
            "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",
            f"SET SESSION time_zone = '{self.settings.zone}'",
            "SET SESSION group_concat_max_len = 1048576",
            limit,
        ]

    def forget(self) -> None:
        """Closes the connections that are not in use."""
        while self._free:
            self._free.pop().close()

    async def close(self) -> None:
        """Closes the pool."""
        self.forget()


async def _run(connection: Any, sql: str, parameters: tuple[Any, ...]) -> Rows:
    cursor = connection.cursor()
    try:
        await cursor.execute(cursor.mogrify(sql, parameters or None))  # what has arguments would be prepared
        rows: Rows = await cursor.fetchall()
    finally:
        await cursor.close()
    return rows


_known_conversions: dict[Any, Any] = {}


def _conversions() -> dict[Any, Any]:
    """Integers as int, everything else as the server's text (binary columns as bytes)."""
    if not _known_conversions:
        from asyncmy.constants import FIELD_TYPE
        from asyncmy.converters import conversions

        _known_conversions.update({k: v for k, v in conversions.items() if not isinstance(k, int)})
        for name in ("TINY", "SHORT", "LONG", "LONGLONG", "INT24", "YEAR"):
            _known_conversions[getattr(FIELD_TYPE, name)] = int
    return _known_conversions


def code_of(error: BaseException) -> int:
    """The server's number of a driver's error; 0 where it has none."""
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else 0


def translated(error: Exception) -> Exception:
    """What a driver's error means: SourceDownError, TooComplexError, or itself."""
    if type(error).__module__ == "sqlite3":
        return _translated_sqlite(error)
    code = code_of(error)
    if code in TOO_COMPLEX:
        return TooComplexError(str(code))
    if code in TOO_SLOW:
        return TooSlowError(str(code))
    if code in DOWN or isinstance(error, OSError | EOFError):
        return SourceDownError(str(code or type(error).__name__))
    return error


class Sqlite:
    """The embedded databases: `cdss.db` with `openemr.db` attached; a few threads, one connection each."""

    def __init__(
        self, cdss: Path, openemr: Path | None, threads: int = 2, statement_seconds: float = 30.0
    ) -> None:
        self.cdss, self.openemr, self.statement_seconds = cdss, openemr, statement_seconds
        self.dialect: Dialect = sqlite.dialect(paramstyle="qmark")
        self.collation = ""
        self.schemas: dict[str, str] = {}
        self.at_rest = AtRest()
        self._local = _ThreadConnections(self._open)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="sqlite")

    async def fetch(self, sql: str, parameters: tuple[Any, ...]) -> Rows:
        """All rows of a statement."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._fetch, sql, parameters)

    def _fetch(self, sql: str, parameters: tuple[Any, ...]) -> Rows:
        import sqlite3

        until = time.monotonic() + self.statement_seconds
        try:
            connection = self._local.get()
            connection.set_progress_handler(lambda: time.monotonic() > until, STEPS_BETWEEN_LOOKS)
            rows = _rows(connection, sql, [_plain(p) for p in parameters])
        except sqlite3.OperationalError as error:
            translated = _translated_sqlite(error)
            if type(translated) is SourceDownError:
                self.forget()  # what was away when a connection was opened would be away for good
            raise translated from error
        return rows

    def _open(self) -> Any:
        import sqlite3

        connection = sqlite3.connect(f"file:{self.cdss}?mode=rw", uri=True, check_same_thread=False)
        if self.openemr is not None and self.openemr.exists():
            connection.execute("ATTACH DATABASE ? AS openemr", (str(self.openemr),))
        for name, arity, function in sql_functions():
            connection.create_function(name, arity, function, deterministic=True)
        return connection

    def forget(self) -> None:
        """Lets each thread open its connection anew."""
        self._local.forget()

    async def close(self) -> None:
        """Closes every thread's connection."""
        self._threads.shutdown(wait=True)
        self._local.close()


def _rows(connection: Any, sql: str, parameters: Sequence[Any]) -> Rows:
    """All rows; where a text among them is no UTF-8, with U+FFFD for what can't be read."""
    import sqlite3

    try:
        rows: Rows = connection.execute(sql, parameters).fetchall()
    except sqlite3.OperationalError as error:
        if "Could not decode" not in str(error):
            raise
        connection.text_factory = lambda stored: stored.decode("utf-8", "replace")
        try:
            rows = connection.execute(sql, parameters).fetchall()
        finally:
            connection.text_factory = str
    return rows


def _translated_sqlite(error: Exception) -> Exception:
    text, name = str(error), type(error).__name__
    if text == "interrupted":
        return TooSlowError(name)
    if any(words in text for words in DOWN_FOR_SQLITE):
        return SourceDownError(name)
    return TooComplexError(name) if any(words in text for words in TOO_COMPLEX_FOR_SQLITE) else error


class _ThreadConnections:
    """One connection a thread, made when first asked for."""

    def __init__(self, open_: Callable[[], Any]) -> None:
        import threading

        self._open, self._local, self._all = open_, threading.local(), list[Any]()
        self._age = 0

    def get(self) -> Any:
        connection = getattr(self._local, "connection", None)
        if connection is not None and self._local.age != self._age:
            self.drop()
            connection = None
        if connection is None:
            connection, self._local.age = self._open(), self._age
            self._local.connection = connection
            self._all.append(connection)
        return connection

    def drop(self) -> None:
        """Closes the calling thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            self._local.connection = None
            self._all.remove(connection)
            connection.close()

    def forget(self) -> None:
        """Makes each thread's connection too old to be used again."""
        self._age += 1

    def close(self) -> None:
        for connection in self._all:
            connection.close()


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def sql_functions() -> list[tuple[str, int, Callable[..., Any]]]:
    """What SQLite lacks beside MySQL: LIKE that folds case and accents, REGEXP, CONCAT_WS."""
    from mappers.sqlite_functions import concat_ws, like, like_escaped, regexp, regexp_replace, sha2

    return [
        ("like", 2, like),
        ("like", 3, like_escaped),
        ("regexp", 2, regexp),
        ("regexp_replace", 3, regexp_replace),
        ("concat_ws", -1, concat_ws),
        ("sha2", 2, sha2),
    ]
