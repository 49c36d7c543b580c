"""A column's values are sealed, opened or sealed anew while others work with the table.

Rows are taken in the order of their key, some hundred a transaction. A row is changed only if it still holds
what was read, and a transaction commits only after what it wrote was read back and opened. What is done shows
in the values themselves: whoever is killed begins again, and goes on where the work was left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Engine, Select, bindparam, column, func, select, table, tuple_, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import LargeBinary, String

from mappers.keyring import UnopenableError
from mappers.sealed import BLIND
from mappers.sql import Condition, all_of

Key = tuple[Any, ...]

#: deadlocks, lock waits, a locked SQLite: the batch is tried again
TRIES = 8
#: passes over the table until nothing is left to do; others may change rows as fast as they are sealed
PASSES = 20
#: rows that can't be opened, of which the reason is kept
EXAMPLES = 20


class as_bytes(FunctionElement[bytes]):
    """A text column's bytes in UTF-8."""

    type = LargeBinary()
    inherit_cache = True


@compiles(as_bytes)
def _as_blob(element: as_bytes, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS BLOB)"


@compiles(as_bytes, "mysql")
@compiles(as_bytes, "mariadb")
def _as_binary(element: as_bytes, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(CONVERT({compiler.process(element.clauses, **kw)} USING utf8mb4) AS BINARY)"


class as_text(FunctionElement[str]):
    """Bytes of UTF-8 as a text."""

    type = String()
    inherit_cache = True


@compiles(as_text)
def _as_text(element: as_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS TEXT)"


@compiles(as_text, "mysql")
@compiles(as_text, "mariadb")
def _as_utf8(element: as_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CONVERT({compiler.process(element.clauses, **kw)} USING utf8mb4)"


@dataclass(frozen=True)
class Target:
    """A column, the key of its table, whether it has a blind index, and the columns that an UPDATE would
    change by itself (ON UPDATE CURRENT_TIMESTAMP), which keep what they hold.

    `bound`: the columns that tell a value's place, where the key doesn't.
    """

    table: str
    column: str
    key: tuple[str, ...]
    blind: bool = False
    kept: tuple[str, ...] = ()
    bound: tuple[str, ...] = ()


@dataclass(frozen=True)
class Held:
    """What a column and its blind index hold."""

    value: bytes
    blind: str | None = None


@dataclass(frozen=True)
class Change:
    """What is done to values, given the key of their row (or what else they are bound to).

    `pending`: the rows that may need it; `made`: what such a value becomes, None where it stays; `says`: the
    clear value of either. The last two raise UnopenableError.
    """

    pending: Callable[[Any], Condition]
    made: Callable[[bytes, Sequence[Any]], Held | None]
    says: Callable[[bytes, Sequence[Any]], bytes]


@dataclass
class Progress:
    """How far it is: rows changed, rows that others changed meanwhile, and rows that can't be opened, with
    the reasons of the first of them by their keys.
    """

    changed: int = 0
    overtaken: int = 0
    unopenable: int = 0
    examples: dict[Key, str] = field(default_factory=dict)

    def found_unopenable(self, faults: dict[Key, str]) -> None:
        """Counts them, and keeps a few."""
        self.unopenable += len(faults)
        for key, reason in faults.items():
            if len(self.examples) < EXAMPLES:
                self.examples[key] = reason


class Beside(Protocol):
    """What must follow while values change and what they say doesn't (`mappers.stored.guards`)."""

    def held(self, connection: Connection, keys: Sequence[Key]) -> Sequence[Any]:
        """What is true of the rows before."""

    def renew(self, connection: Connection, marks: Sequence[Any]) -> None:
        """Makes it true after."""


class NotKeptError(RuntimeError):
    """The column doesn't hold what was written (it is too short, or of another character set)."""


class _Row(NamedTuple):
    """A row as it was read: its key, what its value is bound to, the value."""

    key: Key
    bound: Key
    stored: bytes


class Resealing:
    """One run over one column."""

    def __init__(
        self,
        engine: Engine,
        target: Target,
        change: Change,
        batch: int = 500,
        beside: Beside | None = None,
    ) -> None:
        self.engine, self.target, self.change, self.batch = engine, target, change, batch
        self.beside = beside
        blind = (target.column + BLIND,) if target.blind else ()
        names = (*target.key, target.column, *target.kept, *target.bound, *blind)
        self._table = table(target.table, *(column(n) for n in dict.fromkeys(names)))
        self._key = [self._table.c[k] for k in target.key]
        self._bound = [self._table.c[b] for b in target.bound] or self._key
        self._column = self._table.c[target.column]

    def left(self) -> int:
        """The rows that may still need the change."""
        with self.engine.connect() as connection:
            counted = select(func.count()).select_from(self._table).where(self._pending())
            return int(connection.execute(counted).scalar_one())

    def run(self, report: Callable[[Progress], None]) -> Progress:
        """Changes all rows; `report` hears of each transaction. Raises NotKeptError: nothing is half done."""
        progress = Progress()
        for _ in range(PASSES):
            before = progress.changed + progress.overtaken
            self._pass(progress, report)
            if progress.changed + progress.overtaken == before:
                break
        return progress

    def _pass(self, progress: Progress, report: Callable[[Progress], None]) -> None:
        progress.unopenable, after = 0, None
        while rows := self._patiently(partial(self._step, after, progress)):
            report(progress)
            after = rows[-1].key

    def _step(self, after: Key | None, progress: Progress, connection: Connection) -> list[_Row]:
        """One transaction's rows."""
        rows = [self._row(row) for row in connection.execute(self._rows(after))]
        faults: dict[Key, str] = {}
        wanted = [(row, new) for row in rows if (new := self._made(row, faults))]
        marks = self.beside.held(connection, [r.key for r, _ in wanted]) if self.beside and wanted else ()
        made = [row for row, new in wanted if self._changed(connection, row, new)]
        if made:
            self._verify(connection, made)
        if self.beside and marks:
            self.beside.renew(connection, marks)
        connection.commit()
        progress.changed += len(made)
        progress.overtaken += len(wanted) - len(made)
        progress.found_unopenable(faults)
        return rows

    def _row(self, row: Sequence[Any]) -> _Row:
        width = len(self._key)
        return _Row(tuple(row[:width]), tuple(row[width:-1]), bytes(row[-1]))

    def _made(self, row: _Row, faults: dict[Key, str]) -> Held | None:
        try:
            return self.change.made(row.stored, row.bound)
        except UnopenableError as fault:
            faults[row.key] = str(fault)
            return None

    def _rows(self, after: Key | None) -> Select[Any]:
        wanted = self._selected().where(self._pending())
        if after is not None:
            beyond = tuple_(*self._key) > tuple_(*after) if len(after) > 1 else self._key[0] > after[0]
            wanted = wanted.where(beyond)
        wanted = wanted.order_by(*self._key).limit(self.batch)
        return wanted.with_for_update() if self.beside else wanted

    def _selected(self) -> Select[Any]:
        told = (c.label(f"bound_{i}") for i, c in enumerate(self._bound))
        return select(*self._key, *told, as_bytes(self._column))

    def _pending(self) -> Condition:
        """Texts only: SQLite keeps anything in any column."""
        pending = self.change.pending(self._column)
        if self.engine.dialect.name == "sqlite":
            pending = all_of(pending, func.typeof(self._column) == "text")
        return pending

    def _is(self, key: Sequence[Any]) -> Condition:
        return all_of(*(c == k for c, k in zip(self._key, key, strict=True)))

    def _changed(self, connection: Connection, row: _Row, new: Held) -> bool:
        """Whether the row still held what was read; then it holds the new value."""
        values: dict[str, Any] = {self.target.column: as_text(_bytes(new.value))}
        if self.target.blind:
            values[self.target.column + BLIND] = new.blind
        values |= {name: self._table.c[name] for name in self.target.kept}
        unchanged = as_bytes(self._column) == _bytes(row.stored)
        found = connection.execute(update(self._table).where(self._is(row.key), unchanged).values(values))
        return bool(found.rowcount)

    def _verify(self, connection: Connection, made: Sequence[_Row]) -> None:
        """Reads back what was written: each value must open and say what the old one said."""
        keys = [row.key for row in made]
        these = tuple_(*self._key).in_(keys) if len(self._key) > 1 else self._key[0].in_(k for (k,) in keys)
        found = (self._row(row) for row in connection.execute(self._selected().where(these)))
        kept = {row.key: row for row in found}
        if not all(row.key in kept and self._same(row, kept[row.key]) for row in made):
            raise NotKeptError(f"{self.target.table}.{self.target.column} doesn't hold what is written to it")

    def _same(self, one: _Row, other: _Row) -> bool:
        try:
            return self.change.says(one.stored, one.bound) == self.change.says(other.stored, other.bound)
        except UnopenableError:
            return False

    def _patiently(self, step: Callable[[Connection], Any]) -> Any:
        for attempt in range(TRIES):
            try:
                with self._connection() as connection:
                    return step(connection)
            except OperationalError as error:
                if attempt + 1 == TRIES or not _passing(error):
                    raise
                time.sleep(0.05 * 2**attempt)
        raise AssertionError("unreachable")

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """Closed without a commit, what was written is gone."""
        with self.engine.connect() as connection:
            if connection.dialect.name != "sqlite":
                connection.exec_driver_sql("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
                # strict: what doesn't fit is refused, not cut
                connection.exec_driver_sql("SET SESSION sql_mode = 'STRICT_TRANS_TABLES'")
                # as the facade's own sessions: guards are digests of all of a row's lines
                connection.exec_driver_sql("SET SESSION group_concat_max_len = 1048576")
            yield connection


def _bytes(value: bytes) -> Any:
    return bindparam(None, value, type_=LargeBinary())


def _passing(error: OperationalError) -> bool:
    """Whether it may work the next time: lock waits, deadlocks, a locked SQLite."""
    code = error.orig.args[0] if error.orig and error.orig.args else ""
    return code in (1205, 1213) or "locked" in str(code)
