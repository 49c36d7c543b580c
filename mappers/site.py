"""What differs from site to site and changes how a row is read: its zone and what it lets out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

from mappers.at_rest import AtRest
from mappers.clock import wall_clock
from mappers.sealed import Sealed

#: permission names that `Sensitive` values ask for
RESIDENT_NUMBER = "resident-number"


@dataclass(frozen=True)
class Site:
    """The hospital's own settings, as far as reading and searching rows needs them.

    `zone` is the zone of the databases' zone-less times (IANA name); `permits` names the sensitive values
    that may leave (see `mappers.values.Sensitive`); `public_base_url` is where clients find this server;
    `sealed`: the columns that the hospital keeps sealed; `at_rest`: how what clients have written is kept.
    """

    zone: str = "Asia/Seoul"
    permits: frozenset[str] = frozenset()
    public_base_url: str = "http://127.0.0.1:8000"
    sealed: Sealed | None = None
    at_rest: AtRest = field(default=AtRest())
    _offsets: dict[str, str | None] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def tz(self) -> ZoneInfo:
        """The zone itself; raises ZoneInfoNotFoundError for an unknown name."""
        return ZoneInfo(self.zone)

    @cached_property
    def instant(self) -> Callable[[str], str | None]:
        """FHIR's dateTime for a database's local `YYYY-MM-DD HH:MM:SS[.ffffff]`; None for what is no date.

        The offset is the one valid at that date. Remembered, as results of one order share their times.
        https://hl7.org/fhir/R4/datatypes.html#dateTime
        """
        return lru_cache(4096)(self._instant)

    def _instant(self, text: str) -> str | None:
        if type(text) is not str:  # SQLite keeps anything in any column
            return None
        if len(text) == 10:
            return self.date(text)
        offset = self._offset(text)
        if offset is None:
            return None
        fraction = text[19:].rstrip("0")
        return f"{text[:10]}T{text[11:19]}{fraction if len(fraction) > 1 else ''}{offset}"

    def date(self, text: str) -> str | None:
        """FHIR's date for a database's `YYYY-MM-DD…`; None for zero dates and other non-dates."""
        if type(text) is not str or self._offset(text[:10] + " 00") is None:
            return None
        return text[:10]

    def wall_clock(self, moment: datetime) -> datetime:
        """The site's zone-less local time of an aware moment, as the databases hold it."""
        return wall_clock(moment, self.tz)

    def _offset(self, text: str) -> str | None:
        hour = text[:13]
        try:
            return self._offsets[hour]
        except KeyError:
            return self._remember(hour, text)

    def _remember(self, hour: str, text: str) -> str | None:
        if len(self._offsets) > 200_000:
            self._offsets.clear()
        start, end = self._offset_at(hour + ":00"), self._offset_at(hour + ":59")
        if start != end:  # a zone that changes within the hour: no cache
            return self._offset_at(text[:19])
        self._offsets[hour] = start
        return start

    def _offset_at(self, text: str) -> str | None:
        try:
            offset = datetime.fromisoformat(text).replace(tzinfo=self.tz).utcoffset()
        except (ValueError, OverflowError):
            return None
        return _iso_offset(offset) if offset is not None else None


def _iso_offset(offset: timedelta) -> str:
    """`+09:00`; FHIR has no seconds in an offset, so local mean times are cut to the minute."""
    minutes = int(offset.total_seconds() // 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
