"""A database's text as it is told."""

from __future__ import annotations

import re
from typing import Any

# FHIR's string has no control characters but tab, line feed and carriage return; XML has no U+FFFE/F either
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean(value: Any) -> str | None:
    """A database text as FHIR's string: trimmed, unprintable characters gone; None for blank."""
    if value is None:
        return None
    text = value if type(value) is str else _as_text(value)
    if not text.isprintable():
        text = _UNPRINTABLE.sub("", text)
    return text.strip() or None


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
