"""The demo's fixed present: no row depends on when it was made."""

from __future__ import annotations

import datetime as dt

NOW = "2025-11-20 09:00:00"
ZERO_DATE = "0000-00-00"
ZERO_DATETIME = "0000-00-00 00:00:00"


def parse(text: str) -> dt.datetime:
    """The moment in a database's date or datetime text."""
    return dt.datetime.fromisoformat(text)


def moment(value: dt.datetime) -> str:
    """DATETIME(6) text of a moment."""
    return value.isoformat(" ", "microseconds")
