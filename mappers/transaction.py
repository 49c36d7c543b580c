"""Transactions: what is read and written in one is there whole or not at all, and is read as it will be."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ClauseElement
from sqlalchemy.engine import Dialect

from mappers.database import Database, MySql, Rows, Sqlite, sql_functions, translated

#: seconds that a writer waits for another one
LOCK_SECONDS = 10
#: errors after which the whole transaction is tried again: lock wait timeout, deadlock (of names: MySQL's
#: 3058), a row that changed since it was read
#: https://dev.mysql.com/doc/mysql-errors/9.0/en/server-error-reference.html
AGAIN = frozenset({1205, 1213, 3058, 1020})
DUPLICATE = 1062
#: errors by which a server refuses what was to be written: nothing where something must be, a value that
#: doesn't fit, a key that isn't there (or is referred to), a CHECK, a trigger's own word
REFUSED = frozenset({1048, 1364, 1264, 1265, 1366, 1406, 1451, 1452, 1644, 3819, 4025})
_UNIQUE = ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID")


class RetryError(Exception):
    """Another writer was in the way; nothing was written, and trying again may do."""


class DuplicateError(Exception):
    """A unique key is there already; nothing was written."""


class RefusedError(Exception):
    """The database's own rules refuse it, by the error that is named; nothing was written."""


class Written(NamedTuple):
    """How many rows a statement changed (found, where it changed nothing), and the key it gave out."""

    rows: int
    key: int


class Transaction(Database, Protocol):
    """A database within one transaction; `changed`: whether it has written anything."""

    changed: bool

    async def execute(self, statement: ClauseElement) -> Written:
        """Changes rows; raises RetryError, DuplicateError or RefusedError: then the transaction is over."""

    async def lock(self, name: str) -> None:
        """Returns once no other transaction holds the name; holds it until the transaction ends."""


class _Statements:
    """What both kinds share: statements of SQLAlchemy's as the driver takes them."""

    def __init__(self, database: Database) -> None:
        self.dialect: Dialect = database.dialect
        self.collation, self.schemas = database.collation, database.schemas
        self.at_rest = database.at_rest
        self.changed = False

    def forget(self) -> None:
        """A transaction keeps its connection."""

    async def close(self) -> None:
        """Whoever began it ends it."""

    def _text(self, statement: ClauseElement) -> tuple[str, tuple[Any, ...]]:
        compiled: Any = statement.compile(dialect=self.dialect, compile_kwargs={"render_postcompile": True})
        values = compiled.construct_params()
        return str(compiled), tuple(values[name] for name in compiled.positiontup or ())


class MySqlTransaction(_Statements):
    """A transaction on a connection of its own."""

    def __init__(self, database: Database, connection: Any) -> None:
        super().__init__(database)
        self._connection, self._locks = connection, list[str]()

    async def fetch(self, sql: str, parameters: tuple[Any, ...]) -> Rows:
        """All rows of a statement."""
        return (await self._run(sql, parameters))[0]

    async def execute(self, statement: ClauseElement) -> Written:
        """Changes rows."""
        self.changed = True
        return (await self._run(*self._text(statement)))[1]

    async def _run(self, sql: str, parameters: tuple[Any, ...]) -> tuple[Rows, Written]:
        cursor = self._connection.cursor()
        try:
            await cursor.execute(sql, parameters or None)
            rows: Rows = await cursor.fetchall()
            return rows, Written(cursor.rowcount, cursor.lastrowid or 0)
        except Exception as error:
            raise _of_mysql(error) from error
        finally:
            await cursor.close()

    async def lock(self, name: str) -> None:
        """A lock of the server's, by name."""
        named = "fhir:" + blake2b(name.encode(), digest_size=24).hexdigest()
        [(got,)] = await self.fetch("SELECT GET_LOCK(%s, %s)", (named, LOCK_SECONDS))
        if not got:
            raise RetryError("another client is at it")
        self._locks.append(named)

    async def unlock(self) -> None:
        """Gives all names back."""
        for name in self._locks:
            await self.fetch("SELECT RELEASE_LOCK(%s)", (name,))


def _of_mysql(error: Exception) -> Exception:
    code = error.args[0] if error.args else 0
    if code in AGAIN:
        return RetryError(str(code))
    if code in REFUSED:
        return RefusedError(str(code))
    return DuplicateError(str(code)) if code == DUPLICATE else translated(error)


class SqliteTransaction(_Statements):
    """A transaction in a thread of its own; SQLite has one writer at a time."""

    def __init__(
        self, database: Database, connection: sqlite3.Connection, thread: ThreadPoolExecutor
    ) -> None:
        super().__init__(database)
        self._connection, self._thread = connection, thread

    async def fetch(self, sql: str, parameters: tuple[Any, ...]) -> Rows:
        """All rows of a statement."""
        rows: Rows = await self._do(lambda: self._connection.execute(sql, parameters).fetchall())
        return rows

    async def execute(self, statement: ClauseElement) -> Written:
        """Changes rows."""
        self.changed = True
        sql, parameters = self._text(statement)
        cursor = await self._do(lambda: self._connection.execute(sql, parameters))
        return Written(cursor.rowcount, cursor.lastrowid or 0)

    async def _do(self, work: Callable[[], Any]) -> Any:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.IntegrityError as error:
            kind = DuplicateError if error.sqlite_errorname in _UNIQUE else RefusedError
            raise kind(error.sqlite_errorname) from error
        except sqlite3.OperationalError as error:
            raise RetryError("locked") if "locked" in str(error) else translated(error) from error

    async def lock(self, name: str) -> None:
        """There is no other writer."""


@asynccontextmanager
async def transaction(database: Database) -> AsyncIterator[Transaction]:
    """A transaction: committed at the end, rolled back by any exception.

    Raises RetryError where another writer is in the way, SourceDownError where the database can't be asked.
    """
    if isinstance(database, MySql):
        async with _on_mysql(database) as found:
            yield found
    elif isinstance(database, Sqlite):
        async with _on_sqlite(database) as other:
            yield other
    else:
        raise TypeError(f"no transactions on {type(database).__name__}")


@asynccontextmanager
async def _on_mysql(database: MySql) -> AsyncIterator[MySqlTransaction]:
    try:
        connection = await database.connect()
    except Exception as error:
        raise translated(error) from error
    found = MySqlTransaction(database, connection)
    try:
        await found.fetch(f"SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}", ())
        await found.fetch("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", ())
        await found.fetch("START TRANSACTION", ())
        yield found
        await found.fetch("COMMIT", ())
        await found.unlock()
    finally:
        connection.close()  # without a COMMIT nothing of it stays


@asynccontextmanager
async def _on_sqlite(database: Sqlite) -> AsyncIterator[SqliteTransaction]:
    thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
    loop = asyncio.get_running_loop()
    held: list[sqlite3.Connection] = []
    try:
        await _begin(database, thread, held)
        yield SqliteTransaction(database, held[0], thread)
        await loop.run_in_executor(thread, held[0].execute, "COMMIT")
    finally:
        # whoever is cancelled while it begins leaves a thread that goes on beginning: this comes after it
        ended = loop.run_in_executor(thread, _end, held)
        thread.shutdown(wait=False)
        await ended


async def _begin(database: Sqlite, thread: ThreadPoolExecutor, held: list[sqlite3.Connection]) -> None:
    try:
        await asyncio.get_running_loop().run_in_executor(thread, lambda: held.append(_begun(database)))
    except sqlite3.OperationalError as error:
        raise RetryError("locked") if "locked" in str(error) else translated(error) from error


def _end(held: list[sqlite3.Connection]) -> None:
    """Without a COMMIT nothing of it stays."""
    for connection in held:
        connection.close()


def _begun(database: Sqlite) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{database.cdss}?mode=rw", uri=True, timeout=LOCK_SECONDS, isolation_level=None
    )
    try:
        if database.openemr is not None and database.openemr.exists():
            connection.execute("ATTACH DATABASE ? AS openemr", (f"file:{database.openemr}?mode=ro",))
        for name, arity, function in sql_functions():
            connection.create_function(name, arity, function, deterministic=True)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
    except BaseException:
        connection.close()
        raise
    return connection
