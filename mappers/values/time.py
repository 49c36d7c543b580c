"""Kinds of time: instants, days, periods.

A stored time is site-local and zone-less (`Site`), that of TIMESTAMP columns too: sessions are in its zone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from mappers.site import Site
from mappers.sql import NEVER, Alternative, Condition, all_of, any_of, negate
from mappers.terms import Prefix, Range, Term, Token
from mappers.value import Column, Columns, Question, Read, Row, Value

Bound = Callable[[Range], str]

# OpenEMR's "no date"; compared as text, so that no server mode minds
EARLIEST = "0001-01-01"
DAY = timedelta(days=1)


def _stamp(moment: datetime) -> str:
    """Local time as the databases write it, without a needless fraction (so that text compares in SQLite)."""
    text = moment.strftime("%Y-%m-%d %H:%M:%S").rjust(19, "0")
    return f"{text}.{moment.microsecond:06d}".rstrip("0") if moment.microsecond else text


class _Ends:
    """The bounds of a search value in the terms of a column: to the microsecond, or to the day."""

    def __init__(self, site: Site, days: bool) -> None:
        self.site, self.days = site, days

    def at(self, moment: datetime, *, up: bool) -> str:
        """The first stored value at or after `moment` (`up`), or the last day begun at it."""
        local = self.site.wall_clock(moment)
        if not self.days:
            return _stamp(local)
        day = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return _stamp(day + DAY if up and day != local else day)[:10]


class _Bounds:
    """The two ends of a term's stretch of time, as slots."""

    def __init__(self, ends: _Ends, term: Range, q: Question) -> None:
        self.ends, self.term, self.q = ends, term, q

    def low(self, *, up: bool = False) -> Column:
        """The slot of the lower end."""
        ends = self.ends  # a slot outlives the statement's making, and must not hold on to it
        return self.q.bind(self.term, lambda t: ends.at(t.low, up=up))

    def high(self, *, up: bool = False) -> Column:
        """The slot of the upper end."""
        ends = self.ends
        return self.q.bind(self.term, lambda t: ends.at(t.high, up=up))


class Instant(Value):
    """A dateTime or instant from one column; zero dates and non-dates are absent.

    https://hl7.org/fhir/R4/search.html#date
    """

    takes: tuple[type[Term], ...] = (Range,)
    fhir_type = "DateTime"
    days = False

    def __init__(self, column: Column) -> None:
        self.column = column

    def reader(self, columns: Columns) -> Read:
        place, instant = columns.at(self.column), columns.site.instant
        return lambda row: instant(row[place]) if row[place] else None

    def present(self) -> Condition:
        return all_of(self.column >= EARLIEST, self._whole())

    def _whole(self) -> Condition:
        """No month and no day is zero: what has such is no date that could be told."""
        return self.column.not_like("%-00%")

    def sort_key(self) -> Column:
        return self.column

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Range)
        return [q.near(self.within(term.prefix, term, q))]

    def within(self, prefix: Prefix, term: Range, q: Question) -> Condition:
        """The column's condition for the term's stretch of time under a prefix."""
        ends, column = _Ends(q.site, self.days), self.column
        bounds = _Bounds(ends, term, q)
        there = self.present()
        ways: dict[Prefix, Callable[[], Condition]] = {
            Prefix.EQ: lambda: all_of(column >= bounds.low(up=True), column < bounds.high()),
            Prefix.NE: lambda: all_of(there, any_of(column < bounds.low(up=True), column >= bounds.high())),
            Prefix.GT: lambda: column >= bounds.high(),
            Prefix.SA: lambda: column >= bounds.high(up=True),
            Prefix.LT: lambda: all_of(there, column < bounds.low(up=True)),
            Prefix.EB: lambda: all_of(there, column < bounds.low()),
            Prefix.GE: lambda: self._or_equal(column >= bounds.low(up=True), column >= bounds.high()),
            Prefix.LE: lambda: all_of(
                there, self._or_equal(column < bounds.high(), column < bounds.low(up=True))
            ),
        }
        return all_of(ways[Prefix.EQ if prefix is Prefix.AP else prefix](), self._whole())

    def _or_equal(self, reaching: Condition, beyond: Condition) -> Condition:
        """`ge` and `le`: an instant only has to reach the stretch; a day reaches out of it or lies within."""
        return any_of(beyond, reaching) if self.days else reaching


class Date(Instant):
    """A day from a DATE column (or the day of a DATETIME that means a day).

    https://hl7.org/fhir/R4/datatypes.html#date
    """

    fhir_type = "Date"
    days = True

    def reader(self, columns: Columns) -> Read:
        place, date = columns.at(self.column), columns.site.date
        return lambda row: date(row[place]) if row[place] else None


class DateTime(Date):
    """A day from a DATE column, in an element whose type is dateTime."""

    fhir_type = "DateTime"


class DayOrInstant(Instant):
    """An instant from a DATETIME column that often means a day: midnight sharp is written as the day."""

    def reader(self, columns: Columns) -> Read:
        place, site = columns.at(self.column), columns.site

        def read(row: Row) -> Any:
            stored = row[place]
            if not stored:
                return None
            midnight = not stored[11:].strip("0:.")
            return site.date(stored) if midnight else site.instant(stored)

        return read


class Happened(DayOrInstant):
    """When something happened, in a choice with a boolean: the token `true` finds it too.

    `closed`: what has no date counts as false (in searches only; nothing is said of it).
    """

    takes: tuple[type[Term], ...] = (Range, Token)

    def __init__(self, column: Column, *, closed: bool = False) -> None:
        super().__init__(column)
        self.closed = closed

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        if isinstance(term, Range):
            return super().matches(term, q)
        assert isinstance(term, Token)
        there = q.near(self.present())
        if term.code == "true":
            return [there]
        return [negate(there) if self.closed and term.code == "false" else NEVER]


class Period(Value):
    """A period from two values; a missing end is open, and counts as infinite in searches.

    https://hl7.org/fhir/R4/datatypes.html#Period
    """

    takes: tuple[type[Term], ...] = (Range,)
    fhir_type = "Period"

    def __init__(self, start: Instant | None, end: Instant | None = None) -> None:
        self.start, self.end = start, end

    def reader(self, columns: Columns) -> Read:
        start = self.start.reader(columns) if self.start else lambda row: None
        end = self.end.reader(columns) if self.end else lambda row: None

        def read(row: Row) -> Any:
            first, last = start(row), end(row)
            if last and first and last[:19] < first[:19]:
                last = None  # per-1: an end before its start is no end we could tell
            if not (first or last):
                return None
            return {k: v for k, v in (("start", first), ("end", last)) if v}

        return read

    def present(self) -> Condition:
        return any_of(*(e.present() for e in (self.start, self.end) if e))

    def sort_key(self) -> Column | None:
        return self.start.column if self.start else None

    def sub(self, name: str) -> Value | None:
        return {"start": self.start, "end": self.end}.get(name)

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Range)
        return [q.near(all_of(self.present(), self._within(term, q)))]

    def _within(self, term: Range, q: Question) -> Condition:
        """The interval [start, end] against the term's [low, high); an absent end is infinite."""
        inside = all_of(self._start(Prefix.GE, term, q), self._end(Prefix.LE, term, q))
        ways: dict[Prefix, Callable[[], Condition]] = {
            Prefix.EQ: lambda: inside,
            Prefix.NE: lambda: negate(inside),
            Prefix.GT: lambda: self._end(Prefix.GT, term, q),
            Prefix.LT: lambda: self._start(Prefix.LT, term, q),
            Prefix.GE: lambda: any_of(self._end(Prefix.GT, term, q), inside),
            Prefix.LE: lambda: any_of(self._start(Prefix.LT, term, q), inside),
            Prefix.SA: lambda: self._start(Prefix.SA, term, q),
            Prefix.EB: lambda: self._end(Prefix.EB, term, q),
            Prefix.AP: lambda: self._overlaps(term, q),
        }
        return ways[term.prefix]()

    def _overlaps(self, term: Range, q: Question) -> Condition:
        starts = any_of(self._start(Prefix.LE, term, q), self._open(self.start))
        return all_of(starts, any_of(self._end(Prefix.GE, term, q), self._open(self.end)))

    @staticmethod
    def _open(end: Instant | None) -> Condition:
        return negate(end.present()) if end else all_of()

    def _start(self, prefix: Prefix, term: Range, q: Question) -> Condition:
        """The start is after/before as said; an absent start is before everything."""
        if self.start is None:
            return all_of() if prefix in (Prefix.LT, Prefix.LE) else NEVER
        found = self.start.within(prefix, term, q)
        return any_of(found, self._open(self.start)) if prefix in (Prefix.LT, Prefix.LE) else found

    def _end(self, prefix: Prefix, term: Range, q: Question) -> Condition:
        """The end is after/before as said; an absent end is after everything."""
        if self.end is None:
            return all_of() if prefix in (Prefix.GT, Prefix.GE) else NEVER
        found = self.end.within(prefix, term, q)
        return any_of(found, self._open(self.end)) if prefix in (Prefix.GT, Prefix.GE) else found
