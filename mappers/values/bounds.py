"""The ends of a search value's stretch of time, in the terms of a column."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from mappers.clock import first_told, skipped, wall_clock
from mappers.site import Site
from mappers.sql import Condition, all_of, any_of, negate
from mappers.terms import Range
from mappers.value import Column, Question

Bound = Callable[[Range], datetime]

DAY = timedelta(days=1)
LAST_DAY = datetime(9999, 12, 31)


def _stamp(moment: datetime) -> str:
    """Local time as the databases write it, without a needless fraction (so that text compares in SQLite)."""
    text = moment.strftime("%Y-%m-%d %H:%M:%S").rjust(19, "0")
    return f"{text}.{moment.microsecond:06d}".rstrip("0") if moment.microsecond else text


class Ends:
    """The bounds of a search value in the terms of a column: to the microsecond, or to the day."""

    def __init__(self, site: Site, days: bool) -> None:
        self.site, self.days = site, days

    def at(self, moment: datetime, *, up: bool) -> str:
        """The first stored value at or after `moment` (`up`), or the last day begun at it."""
        zone = self.site.tz
        if not self.days:
            return _stamp(first_told(moment, zone))
        early = skipped(moment, zone)
        local = early[0] if early else wall_clock(moment, zone)
        day = local.replace(hour=0, minute=0, second=0, microsecond=0)
        if day == LAST_DAY and day != local and (up or local == datetime.max):
            return _stamp(local)  # no day begins after it: what stands for the next is its end
        return _stamp(day + DAY if up and day != local else day)[:10]

    def early(self, moment: datetime, place: int) -> str:
        """An end of the skipped values that are told as `moment` or later; both are the same if none are."""
        found = skipped(moment, self.site.tz)
        return _stamp(found[place] if found else first_told(moment, self.site.tz))


class Bounds:
    """A column beside the two ends of a term's stretch of time, which are slots."""

    def __init__(self, column: Column, ends: Ends, term: Range, q: Question) -> None:
        self.column, self.ends, self.term, self.q = column, ends, term, q

    def since(self, of: Bound, *, up: bool) -> Condition:
        """The column is at an end of the term (`low`, `high`) or later."""
        found = self.column >= self._slot(of, up)
        return any_of(found, self._early(of)) if self._may_be_early else found

    def before(self, of: Bound, *, up: bool) -> Condition:
        """The column is earlier than an end of the term."""
        found = self.column < self._slot(of, up)
        return all_of(found, negate(self._early(of))) if self._may_be_early else found

    @property
    def _may_be_early(self) -> bool:
        return self.term.skipping and not self.ends.days

    def _slot(self, of: Bound, up: bool) -> Column:
        ends = self.ends  # a slot outlives the statement's making, and must not hold on to it
        return self.q.bind(self.term, lambda t: ends.at(of(t), up=up))

    def _early(self, of: Bound) -> Condition:
        ends = self.ends
        first, end = (self.q.bind(self.term, lambda t, i=i: ends.early(of(t), i)) for i in (0, 1))  # type: ignore[misc]
        return all_of(self.column >= first, self.column < end)


def low(term: Range) -> datetime:
    """The first moment of a term."""
    return term.low


def high(term: Range) -> datetime:
    """The first moment after a term."""
    return term.high
