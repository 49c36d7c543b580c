"""SQL functions that make SQLite compare texts as MySQL's utf8mb4_unicode_ci does."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Any

from terminology.folding import fold_characters


@lru_cache(512)
def _pattern(pattern: str, escape: str) -> re.Pattern[str]:
    """A LIKE pattern as a regular expression over folded text."""
    out: list[str] = []
    characters = iter(pattern)
    for character in characters:
        if escape and character == escape:
            out.append(_literal(next(characters, "")))
        elif character == "%":
            out.append(".*")
        elif character == "_":
            out.append(".")
        else:
            out.append(_literal(character))
    return re.compile("".join(out), re.DOTALL)


def _literal(character: str) -> str:
    return re.escape(fold_characters(character))


@lru_cache(4096)
def _folded(text: str) -> str:
    return fold_characters(text)


def like_escaped(pattern: Any, value: Any, escape: str) -> bool | None:
    """`value LIKE pattern ESCAPE escape`, case and accents folded."""
    if pattern is None or value is None:
        return None
    return _pattern(str(pattern), escape).fullmatch(_folded(str(value))) is not None


def like(pattern: Any, value: Any) -> bool | None:
    """`value LIKE pattern`, case and accents folded."""
    return like_escaped(pattern, value, "")


@lru_cache(128)
def _regexp(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("[[:space:]]", r"\s"))


def regexp(pattern: Any, value: Any) -> bool | None:
    """`value REGEXP pattern`."""
    if pattern is None or value is None:
        return None
    return _regexp(str(pattern)).search(str(value)) is not None


def regexp_replace(value: Any, pattern: Any, put: Any) -> str | None:
    """`REGEXP_REPLACE(value, pattern, put)`."""
    return None if value is None else _regexp(str(pattern)).sub(str(put), str(value))


def concat_ws(separator: Any, *texts: Any) -> str | None:
    """The texts that aren't NULL, joined."""
    return None if separator is None else str(separator).join(str(t) for t in texts if t is not None)


def sha2(text: Any, bits: int) -> str | None:
    """MySQL's SHA2, of a text."""
    return None if text is None else hashlib.new(f"sha{bits}", str(text).encode()).hexdigest()
