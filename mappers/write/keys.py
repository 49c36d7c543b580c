"""Keys of new rows, where the hospital's own program gives them out by a pattern."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from mappers.statement import Slots, compiled
from mappers.transaction import Transaction

DIGITS = 6


async def next_key(t: Transaction, column: Any, pattern: str, now: str) -> str:
    """The next key of a pattern (`ST-{year}-`, six digits follow); whoever else wants one waits."""
    await t.lock(f"the next key of {column.table.name}")
    begun = pattern.format(year=now[:4])
    highest = select(func.max(column)).where(column.like(begun + "_" * DIGITS))
    made = compiled(highest, t.dialect, Slots(()), {})
    [(last,)] = await t.fetch(made.sql, made.parameters((), {}))
    number = int(last[len(begun) :]) + 1 if last and last[len(begun) :].isdecimal() else 1
    return f"{begun}{number:0{DIGITS}d}"
