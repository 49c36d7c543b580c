"""Statements that are asked again and again are prepared: they are parsed once, and so are their columns.

Of an answer in the binary protocol the driver makes objects of times and floats, which say less than the
server's text does (of a zero date, nothing). So what is prepared is asked for times as text, and a statement
that answers in such types all the same is never prepared. Of an answer that is
large beside its statement nothing is gained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ClauseElement, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from mappers.column_types import TemporalText

#: statements prepared at a time, by each connection: a server has room for some thousands in all
MOST = 32
#: small answers in a row before a statement is prepared
OFTEN = 3
#: how many values an answer may have for each character of its statement to be small beside it: a page of a
#: hundred rows is, five hundred aren't
SMALL = 2
#: answers after which it is looked anew at what is asked often
TERM = 4096
#: types of columns of which drivers make objects: FLOAT, DOUBLE, TIMESTAMP, DATE, TIME, DATETIME, NEWDATE
#: https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html
INTERPRETED = frozenset({4, 5, 7, 10, 11, 12, 14})
#: a server that can't run a statement as it was prepared: it is unknown there, or its tables have changed
#: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
STALE = frozenset({1243, 1615})
_BEGIN, _END = "\x01", "\x02"


class Sql(str):
    """A statement's text, and `prepared`: one that yields times as text in the binary protocol too."""

    prepared: str

    @classmethod
    def of(cls, marked: str) -> Sql:
        """The texts of a statement in which times are marked."""
        found = cls(marked.replace(_BEGIN, "").replace(_END, ""))
        found.prepared = marked.replace(_BEGIN, "CAST(").replace(_END, " AS CHAR)")
        return found

    def changed(self, change: Callable[[str], str]) -> Sql:
        """Both texts after the same change."""
        found = Sql(change(self))
        found.prepared = change(self.prepared)
        return found


def marked(statement: ClauseElement, dialect: Dialect) -> ClauseElement:
    """The statement with marks around the times that it yields, for a database that prepares."""
    if dialect.name != "mysql" or not isinstance(statement, Select):
        return statement
    columns = [_time(c) if isinstance(c.type, TemporalText) else c for c in statement.selected_columns]
    return statement.with_only_columns(*columns, maintain_column_froms=True)


class _time(FunctionElement[Any]):
    inherit_cache = True


@compiles(_time)
def _marked_time(element: _time, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{_BEGIN}{compiler.process(element.clauses, **kw)}{_END}"


class Often:
    """Which statements are prepared: those that are asked often and whose answers are small."""

    def __init__(self) -> None:
        self.chosen: set[str] = set()
        self._small: dict[str, int] = {}
        self._left = TERM

    def answered(self, sql: str, rows: Any) -> None:
        """Takes note of an answer's size."""
        self._left -= 1
        if self._left < 0:
            self.chosen, self._small, self._left = set(), {}, TERM
        if rows and len(rows) * len(rows[0]) > SMALL * len(sql):
            self._small[sql] = min(self._small.get(sql, 0), 0)
            self.chosen.discard(sql)
            return
        count = self._small[sql] = self._small.get(sql, 0) + 1
        if count >= OFTEN and len(self.chosen) < MOST:
            self.chosen.add(sql)

    def unfit(self, sql: str) -> None:
        """Takes note of a statement that can't be prepared."""
        self._small[sql] = -TERM
        self.chosen.discard(sql)


async def fetched(connection: Any, sql: Sql, parameters: tuple[Any, ...]) -> Sequence[tuple[Any, ...]] | None:
    """All rows of a statement that is prepared; None where it can't be asked so."""
    from asyncmy.errors import Error

    cursor = connection.cursor()
    try:
        await cursor.execute(sql.prepared, parameters)
        rows: Sequence[tuple[Any, ...]] = await cursor.fetchall()
    except Error as error:
        if not error.args or error.args[0] not in STALE:
            raise
        return None
    finally:
        await cursor.close()
    return rows if INTERPRETED.isdisjoint([column[1] for column in cursor.description]) else None
