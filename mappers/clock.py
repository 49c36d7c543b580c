"""Wall clocks around the hours that a zone skipped or had twice.

A stored time has no offset. It is told with the one that was valid then: of an hour there are two of, the
first; an hour that was skipped is told with the offset before. What a search finds must be what is told.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

#: no zone changes its offset twice within it
BETWEEN_CHANGES = timedelta(hours=20)
NO_TIME = timedelta(0)


def wall_clock(moment: datetime, zone: tzinfo) -> datetime:
    """The zone-less local time of an aware moment."""
    try:
        return moment.astimezone(zone).replace(tzinfo=None)
    except OverflowError:  # the first and the last day there are
        return moment.replace(tzinfo=None)


def first_told(moment: datetime, zone: tzinfo) -> datetime:
    """The first wall clock, skipped ones aside, that is told as this moment or a later one."""
    local = wall_clock(moment, zone)
    if not local.fold:
        return local
    before, after = (_offset(local.replace(fold=fold), zone) for fold in (0, 1))
    return _changed(moment.astimezone(UTC), before - after, zone) + before


def skipped(moment: datetime, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """[first, end) of the skipped wall clocks that are told as this moment or a later one; None if none are.

    They come before the moment's own wall clock, and those between are told as earlier.
    """
    try:
        before, now = (_offset_at(m, zone) for m in (moment - BETWEEN_CHANGES, moment))
        early = moment.astimezone(UTC).replace(tzinfo=None) + before
    except OverflowError:
        return None
    if now <= before or _exists(early, zone):
        return None
    return early, _changed(moment.astimezone(UTC), now - before, zone) + now


def _exists(local: datetime, zone: tzinfo) -> bool:
    return local.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local


def _offset(local: datetime, zone: tzinfo) -> timedelta:
    return local.replace(tzinfo=zone).utcoffset() or NO_TIME


def _offset_at(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or NO_TIME


def _changed(moment: datetime, within: timedelta, zone: tzinfo) -> datetime:
    """When, in zone-less UTC, the offset became that of the moment, at most `within` before it."""
    now = _offset_at(moment, zone)
    whole = moment.replace(microsecond=0)
    low, high = whole - within, whole
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
        low, high = (low, middle) if _offset_at(middle, zone) == now else (middle, high)
    return high.replace(tzinfo=None)
