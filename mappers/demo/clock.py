"""The demo's fixed present: no row depends on when it was made."""

from __future__ import annotations

import datetime as dt

NOW = "2025-11-20 09:00:00"
ZERO_DATE = "0000-00-00"
ZERO_DATETIME = "0000-00-00 00:00:00"

# Seoul has no daylight saving time in any year the demo's timestamps fall into.
_SITE_OFFSET = dt.timedelta(hours=9)


def to_utc(site_time: str) -> str:
    """The UTC text of a site-local 'YYYY-MM-DD HH:MM:SS', as a TIMESTAMP column holds it."""
    return (parse(site_time) - _SITE_OFFSET).strftime("%Y-%m-%d %H:%M:%S")


def parse(text: str) -> dt.datetime:
    """The moment in a database's date or datetime text."""
    return dt.datetime.fromisoformat(text)


def moment(value: dt.datetime) -> str:
    """DATETIME(6) text of a moment."""
    return value.isoformat(" ", "microseconds")
