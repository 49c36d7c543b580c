"""Kinds of time: instants, days, periods.

A stored time is site-local and zone-less (`Site`), that of TIMESTAMP columns too: sessions are in its zone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from mappers.spelled import spelling
from mappers.sql import NEVER, Alternative, Condition, all_of, any_of, negate
from mappers.terms import Prefix, Range, Term, Token
from mappers.value import Cells, Column, Columns, Question, Read, Row, Value, Writing, together
from mappers.values.bounds import Bounds, Ends, high, low

# OpenEMR's "no date"; compared as text, so that no server mode minds
EARLIEST = "0001-01-01"
#: prefixes that a zero date would fulfil, being before all others
BACKWARDS = frozenset({Prefix.NE, Prefix.LT, Prefix.EB, Prefix.LE})


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
        stored = f"row[{columns.at(self.column)}]"
        return spelling(f"value = $instant({stored}) if {stored} else None", instant=columns.site.instant)

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
        return self._within(prefix, term, q, self.days)

    def _within(self, prefix: Prefix, term: Range, q: Question, days: bool) -> Condition:
        bounds = Bounds(self.column, Ends(q.site, days), term, q)
        since, before = bounds.since, bounds.before
        ways: dict[Prefix, Callable[[], Condition]] = {
            Prefix.EQ: lambda: all_of(since(low, up=True), before(high, up=False)),
            Prefix.NE: lambda: any_of(before(low, up=True), since(high, up=False)),
            Prefix.GT: lambda: since(high, up=False),
            Prefix.SA: lambda: since(high, up=True),
            Prefix.LT: lambda: before(low, up=True),
            Prefix.EB: lambda: before(low, up=False),
            Prefix.GE: lambda: self._or_equal(since(low, up=True), since(high, up=False), days),
            Prefix.LE: lambda: self._or_equal(before(high, up=False), before(low, up=True), days),
            Prefix.AP: lambda: all_of(since(low, up=not days), before(high, up=days)),
        }
        return all_of(ways[prefix](), self.present() if prefix in BACKWARDS else self._whole())

    @staticmethod
    def _or_equal(reaching: Condition, beyond: Condition, days: bool) -> Condition:
        """`ge` and `le`: an instant only has to reach the stretch; a day reaches out of it or lies within."""
        return any_of(beyond, reaching) if days else reaching

    def written(self, said: Any, w: Writing) -> Cells | None:
        if said is None:
            return {self.column: None}
        return self._cell(said, w) if isinstance(said, str) else None

    def _cell(self, said: str, w: Writing) -> Cells | None:
        try:
            moment = datetime.fromisoformat(said)
        except ValueError:
            return None
        if moment.tzinfo is None:  # a day, a month: no instant
            return None
        return {self.column: w.site.wall_clock(moment).isoformat(" ", "microseconds")}


class Date(Instant):
    """A day from a DATE column (or the day of a DATETIME that means a day).

    https://hl7.org/fhir/R4/datatypes.html#date
    """

    fhir_type = "Date"
    days = True

    def reader(self, columns: Columns) -> Read:
        place, date = columns.at(self.column), columns.site.date
        return lambda row: date(row[place]) if row[place] else None

    def _cell(self, said: str, w: Writing) -> Cells | None:
        return {self.column: said} if len(said) == 10 else None


class DateTime(Date):
    """A day from a DATE column, in an element whose type is dateTime."""

    fhir_type = "DateTime"


class DayOrInstant(Instant):
    """An instant from a DATETIME column that often means a day: midnight sharp is told, and found, as it."""

    def reader(self, columns: Columns) -> Read:
        place, site = columns.at(self.column), columns.site

        def read(row: Row) -> Any:
            stored = row[place]
            if not stored or type(stored) is not str:
                return None
            midnight = not stored[11:].strip("0:.")
            return site.date(stored) if midnight else site.instant(stored)

        return read

    def within(self, prefix: Prefix, term: Range, q: Question) -> Condition:
        day, instant = (self._within(prefix, term, q, days) for days in (True, False))
        midnight = self.column.like("% 00:00:00")
        return any_of(all_of(instant, ~midnight), all_of(day, midnight))


class Happened(DayOrInstant):
    """When something happened, in a choice with a boolean: the token `true` finds it too."""

    takes: tuple[type[Term], ...] = (Range, Token)

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        if isinstance(term, Range):
            return super().matches(term, q)
        assert isinstance(term, Token)
        return [q.near(self.present()) if term.code == "true" and not term.system else NEVER]


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
            if last and first and last < first:
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
        return all_of(starts, any_of(self._end(Prefix.GE, term, q), self._endless()))

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
        found = all_of(self.end.within(prefix, term, q), negate(self._backwards()))
        return any_of(found, self._endless()) if prefix in (Prefix.GT, Prefix.GE) else found

    def _endless(self) -> Condition:
        """There is no end that is told."""
        return any_of(self._open(self.end), self._backwards())

    def _backwards(self) -> Condition:
        """The end comes before the start, so that it isn't told."""
        if self.start is None or self.end is None:
            return NEVER
        return all_of(self.start.present(), self.end.present(), self.end.column < self.start.column)

    def written(self, said: Any, w: Writing) -> Cells | None:
        told = said if isinstance(said, dict) else {}
        ends = (("start", self.start), ("end", self.end))
        return together(_blank_or(end, told.get(name), w) for name, end in ends if end)


def _blank_or(end: Instant, said: Any, w: Writing) -> Cells | None:
    return found if (found := end.written(said, w)) is not None else end.written(None, w)
