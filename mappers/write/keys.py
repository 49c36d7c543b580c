"""Keys of new rows, where the hospital's own program gives them out by a pattern."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from mappers.statement import Slots, compiled
from mappers.transaction import Transaction
from mappers.write.faults import WriteFault

DIGITS = 6


async def next_key(t: Transaction, column: Any, pattern: str, now: str) -> str:
    """The next key of a pattern (`ST-{year}-`, six digits follow); whoever else wants one waits.

    Raises WriteFault 422 where the year has no key left: with a digit more it would be out of order.
    """
    await t.lock(f"the next key of {column.table.name}")
    begun = pattern.format(year=now[:4])
    numbered = column.regexp_match(f"^{begun}[0-9]{{{DIGITS}}}$")
    highest = select(func.max(column)).where(column.like(begun + "_" * DIGITS), numbered)
    made = compiled(highest, t.dialect, Slots(()), {})
    [(last,)] = await t.fetch(made.sql, made.parameters((), {}))
    number = int(last[len(begun) :]) + 1 if last else 1
    if number >= 10**DIGITS:
        text = f"the keys {begun}... of {column.table.name} are used up: there is none after {last}"
        raise WriteFault(422, "business-rule", text)
    return f"{begun}{number:0{DIGITS}d}"
