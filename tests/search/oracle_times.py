"""Dates and periods against a search value's stretch of time, as R4 compares them.

https://hl7.org/fhir/R4/search.html#prefix
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

Test = Callable[[Any], bool]
Stretch = tuple[datetime, datetime]
BEGINNING, END = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)
POINT = timedelta(microseconds=1)
_WRITTEN = re.compile(
    r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?"
)


def stretch(text: str, zone: str) -> Stretch:
    """[first moment, first moment after) of what was written."""
    found = _WRITTEN.fullmatch(text)
    assert found, text
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    tz = ZoneInfo(zone) if offset is None else _fixed(offset)
    micro = int((fraction or ".0")[1:7].ljust(6, "0"))
    date = datetime(int(year), int(month or 1), int(day or 1))
    clock = timedelta(hours=int(hour or 0), minutes=int(minute or 0), seconds=int(second or 0))
    low = date + clock + timedelta(microseconds=micro)
    high = low + _width(low, month, day, hour, second, fraction)
    return _aware(low, tz), _aware(high, tz)


def _width(low: datetime, month: Any, day: Any, hour: Any, second: Any, fraction: Any) -> timedelta:
    if hour:
        seconds = 10 ** -(len(fraction) - 1) if fraction else (1 if second else 60)
        return max(timedelta(seconds=seconds), POINT)
    if day:
        return timedelta(days=1)
    return timedelta(days=monthrange(low.year, low.month)[1] if month else 366 if _leap(low.year) else 365)


def _leap(year: int) -> bool:
    return monthrange(year, 2)[1] == 29


def _fixed(offset: str) -> timezone:
    if offset == "Z":
        return UTC
    sign = -1 if offset[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[4:])))


def _aware(moment: datetime, tz: Any) -> datetime:
    return moment.replace(tzinfo=tz).astimezone(UTC)


def is_date(value: Any) -> bool:
    """Whether a value is a date, instant or Period, and no text of a choice."""
    return isinstance(value, Mapping) or _WRITTEN.fullmatch(str(value)) is not None


def found_stretch(value: Any, zone: str) -> Stretch:
    """The stretch of a resource's date, instant or Period; an instant is a point; open ends are endless."""
    if isinstance(value, Mapping):
        start, end = value.get("start"), value.get("end")
        low = found_stretch(start, zone)[0] if start else BEGINNING
        return low, found_stretch(end, zone)[1] if end else END
    low, high = stretch(str(value), zone)
    return (low, low + POINT) if "T" in str(value) else (low, high)


def date_test(value: str, zone: str, now: datetime) -> Test:
    """A prefix and a date."""
    prefix, text = (value[:2], value[2:]) if value[:2].isalpha() else ("eq", value)
    low, high = stretch(text, zone)
    if prefix == "ap":
        margin = abs(now - low) / 10
        low, high = low - margin, high + margin

    def test(found: Any) -> bool:
        return is_date(found) and _compare(prefix, found_stretch(found, zone), (low, high))

    return test


def _compare(prefix: str, found: Stretch, asked: Stretch) -> bool:
    within = asked[0] <= found[0] and found[1] <= asked[1]
    after, before = found[1] > asked[1], found[0] < asked[0]
    return {
        "eq": within,
        "ne": not within,
        "gt": after,
        "lt": before,
        "ge": after or within,
        "le": before or within,
        "sa": found[0] >= asked[1],
        "eb": found[1] <= asked[0],
        "ap": found[0] < asked[1] and asked[0] < found[1],
    }[prefix]
