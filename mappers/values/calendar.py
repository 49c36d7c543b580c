"""When something is planned: a day and a time in two columns, and how long it takes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from mappers.sql import ALWAYS, Condition, all_of
from mappers.terms import Prefix, Range
from mappers.value import Column, Columns, DirtyRowError, Question, Read, Row, Value
from mappers.values.time import Instant

_WITHIN = (Prefix.EQ, Prefix.AP)


class day_and_time(FunctionElement[Any]):
    """`YYYY-MM-DD HH:MM:SS` of a DATE and a TIME column, as text."""

    type = NullType()
    inherit_cache = True


@compiles(day_and_time)
def _day_and_time(element: day_and_time, compiler: SQLCompiler, **kw: Any) -> str:
    day, time = (compiler.process(c, **kw) for c in element.clauses)
    return f"({day} || ' ' || {time})"


@compiles(day_and_time, "mysql")
@compiles(day_and_time, "mariadb")
def _day_and_time_mysql(element: day_and_time, compiler: SQLCompiler, **kw: Any) -> str:
    day, time = (compiler.process(c, **kw) for c in element.clauses)
    return f"CONCAT({day}, ' ', {time})"


class Begin(Instant):
    """The instant that a DATE and a TIME column make; a row that lacks either is unreadable.

    https://hl7.org/fhir/R4/appointment.html: what is booked has a start and an end (app-3).
    """

    fhir_type = "Instant"

    def __init__(self, day: Column, time: Column) -> None:
        super().__init__(day_and_time(day, time))
        self.day, self.time = day, time

    def reader(self, columns: Columns) -> Read:
        stored, instant = self.stored(columns), columns.site.instant

        def read(row: Row) -> Any:
            found = instant(stored(row))
            if found is None:
                raise DirtyRowError("it has no day or no time to start at")
            return found

        return read

    def stored(self, columns: Columns) -> Read:
        """The wall clock as the database writes it."""
        day, time = columns.at(self.day), columns.at(self.time)
        return lambda row: f"{row[day]} {row[time]}"

    def within(self, prefix: Prefix, term: Range, q: Question) -> Condition:
        return all_of(self._days(prefix, term, q), super().within(prefix, term, q))

    def _days(self, prefix: Prefix, term: Range, q: Question) -> Condition:
        """The days that can matter at all: the index is on the day alone."""
        low = q.bind(term, lambda t: _day(q.site.wall_clock(t.low)))
        high = q.bind(term, lambda t: _day(q.site.wall_clock(t.high)))
        first = self.day >= low if prefix in (*_WITHIN, Prefix.GE, Prefix.GT, Prefix.SA) else ALWAYS
        last = self.day <= high if prefix in (*_WITHIN, Prefix.LE, Prefix.LT, Prefix.EB) else ALWAYS
        return all_of(first, last)

    def present(self) -> Condition:
        return all_of(super().present(), self.time.is_not(None))


class Finish(Value):
    """The end of a stretch: its beginning and its seconds, or else the TIME at which it ends that day."""

    fhir_type = "Instant"

    def __init__(self, begin: Begin, seconds: Column, time: Column) -> None:
        self.begin, self.seconds, self.time = begin, seconds, time

    def reader(self, columns: Columns) -> Read:
        stored, instant = self.begin.stored(columns), columns.site.instant
        seconds, time, day = columns.at(self.seconds), columns.at(self.time), columns.at(self.begin.day)

        def read(row: Row) -> Any:
            start = stored(row)
            end = _later(start, row[seconds]) or f"{row[day]} {row[time]}"
            found = instant(end) if end >= start else None
            if found is None:
                raise DirtyRowError("it has no end that comes after its start")
            return found

        return read

    def present(self) -> Condition:
        return self.begin.present()


def _day(moment: datetime) -> str:
    return moment.isoformat()[:10]


def _later(start: str, seconds: Any) -> str | None:
    """The wall clock some seconds later; None where there are none, or no start."""
    try:
        begun = datetime.fromisoformat(start)
        return str(begun + timedelta(seconds=seconds)) if seconds and seconds > 0 else None
    except (ValueError, OverflowError):
        return None
