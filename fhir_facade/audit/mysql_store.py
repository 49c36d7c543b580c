"""The trail in MySQL or MariaDB: one connection, and one round trip for all that wait.

How durable a commit is, the server decides (innodb_flush_log_at_trx_commit; doctor looks at it).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fhir_facade.audit.store import (
    COLUMNS,
    NOBODY,
    PROBE,
    GoneError,
    NotWrittenError,
    Row,
    asking,
    over,
)
from mappers.database import MySql
from mappers.facade.tables import EVENTS_AN_ACCESS

#: seconds that the trail waits for a locked table
LOCK_SECONDS = 5
SESSION = (
    "SET SESSION autocommit = 0",
    f"SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}",
    f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}",
    "SET SESSION wait_timeout = 31536000",  # a quiet night must not cost the first request of the morning
)
_ACCESSES = f"INSERT INTO fhir_audit ({', '.join(COLUMNS)}) VALUES "  # noqa: S608 - our own names
_EVENTS = "INSERT INTO fhir_audit_event (audit_id, id, recorded, patient_id{}) VALUES "
#: columns that are the same for all of a holder's accesses
_HELD = slice(COLUMNS.index("user_id"), COLUMNS.index("token") + 1)
#: holders whose columns are kept at hand as SQL
MOST_HOLDERS = 4096


class MySqlStore:
    """A store over a connection with the session of all others, but transactions of its own."""

    def __init__(self, database: MySql) -> None:
        self._database = database
        self._connection: Any = None
        self._step = 1
        self._known: dict[tuple[Any, ...], str] = {}

    async def open(self) -> None:
        """Connects if it isn't yet."""
        if self._connection is None:
            try:
                self._connection = await self._connect()
            except Exception as error:
                raise NotWrittenError(_told(error)) from error

    async def _connect(self) -> Any:
        connection = await self._database.connect()
        cursor = connection.cursor()
        try:
            for statement in SESSION:
                await cursor.execute(statement)
            await cursor.execute("SELECT @@auto_increment_increment")
            [(self._step,)] = await cursor.fetchall()
        except BaseException:
            connection.close()
            raise
        return connection

    async def write(self, rows: Sequence[Row], due: Sequence[str] = ()) -> None:
        """One transaction, sent at once: the server stops at the first statement that fails.

        Where something was due, one statement goes before, whose count says whether it still is.
        """
        before = True
        try:
            if due:
                await self._over(due)
            await self._connection.query(self._statements(rows))  # the first INSERT's result
            await self._connection.next_result()
            before = False
            await self._connection.next_result()  # COMMIT's
        except GoneError:
            raise
        except Exception as error:
            self._drop()
            if before and _refused(error):  # without a COMMIT nothing of it stays
                raise NotWrittenError(_told(error)) from error
            raise
        except BaseException:
            self._drop()
            raise

    async def _over(self, due: Sequence[str]) -> None:
        if await self._connection.query(over(due, "'{}'").format(*due)) != len(due):
            await self._connection.query("ROLLBACK")
            raise GoneError("something isn't due any more")

    async def probe(self) -> None:
        """A transaction that writes nothing."""
        try:
            for statement in (PROBE, "ROLLBACK"):
                await self._connection.query(statement)
        except Exception as error:
            self._drop()
            if _refused(error):
                raise NotWrittenError(_told(error)) from error
            raise
        except BaseException:
            self._drop()
            raise

    async def still_due(self, ids: Sequence[str]) -> set[str]:
        """Those that are."""
        cursor = self._connection.cursor()
        try:
            await cursor.execute(asking(ids, "%s"), tuple(ids))
            found = {str(row[0]) for row in await cursor.fetchall()}
            await self._connection.query("ROLLBACK")
        except BaseException:
            self._drop()
            raise
        return found

    def _statements(self, rows: Sequence[Row]) -> str:
        accesses = ",".join([self._access(row.values) for row in rows])
        numbered = any(pid is not None for row in rows for _, pid in row.patients)
        events = ",".join(
            [e for place, row in enumerate(rows) for e in self._events(row, place * self._step, numbered)]
        )
        columns = ", openemr_pid" if numbered else ""
        return f"{_ACCESSES}{accesses};{_EVENTS.format(columns)}{events};COMMIT"

    def _access(self, values: tuple[Any, ...]) -> str:
        held = values[_HELD]
        known = self._known.get(held)
        if known is None:
            if len(self._known) >= MOST_HOLDERS:
                self._known.clear()
            known = self._known[held] = self._literals(held)
        return f"({self._literals(values[: _HELD.start])},{known},{self._literals(values[_HELD.stop :])})"

    def _literals(self, values: tuple[str | int | None, ...]) -> str:
        """Values as SQL; the texts are looked at together, since mostly none has to be escaped."""
        if _plain("".join([v for v in values if isinstance(v, str)])):
            return ",".join(
                [f"'{v}'" if isinstance(v, str) else "NULL" if v is None else str(v) for v in values]
            )
        return ",".join(map(self._literal, values))

    def _literal(self, value: str | int | None) -> str:
        if value is None:
            return "NULL"
        return self._quoted(value) if isinstance(value, str) else str(value)

    def _events(self, row: Row, offset: int, numbered: bool) -> Iterator[str]:
        """The values of its AuditEvents; `numbered`: with OpenEMR's numbers of patients.

        The rows of one INSERT get ids one step apart, whatever else is inserted meanwhile.
        """
        for number, (patient, pid) in enumerate(row.patients or (NOBODY,)):
            shown = f"{self._literal(patient)},{self._literal(pid)}" if numbered else self._literal(patient)
            place = f"LAST_INSERT_ID()+{offset},audit_id*{EVENTS_AN_ACCESS}+{number}"
            yield f"({place},'{row.recorded}',{shown})"

    def _quoted(self, text: str) -> str:
        return f"'{text}'" if _plain(text) else str(self._connection.escape(text))

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def close(self) -> None:
        """Closes the connection."""
        self._drop()


def _plain(text: str) -> bool:
    """Whether a text between quotes is SQL by itself: no character of it means anything else in UTF-8."""
    return "'" not in text and "\\" not in text and "\0" not in text


def _refused(error: Exception) -> bool:
    """Whether the server said no; anything else (a lost connection) leaves open how far it came."""
    code = error.args[0] if error.args else None
    return isinstance(code, int) and (1000 <= code < 2000 or code >= 3000)


def _told(error: Exception) -> str:
    """The server's number of an error; its text may repeat values."""
    code = error.args[0] if error.args and isinstance(error.args[0], int) else ""
    return f"{type(error).__name__} {code}".strip()
