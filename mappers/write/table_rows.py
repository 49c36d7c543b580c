"""Rows of the hospital's tables within a transaction: inserted, changed and held; sealed where they are."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import Select, Table, insert, select, update

from mappers.keyring import UnopenableError
from mappers.sealed import Sealed
from mappers.sql import Condition
from mappers.statement import Slots, compiled
from mappers.transaction import Transaction
from mappers.upkeep import Held
from mappers.value import Cells
from mappers.write.sealed_cells import held, unsealable, with_blind


class TableRows:
    """What a transaction does with rows."""

    def __init__(self, t: Transaction, sealed: Sealed | None) -> None:
        self.t, self.sealed = t, sealed

    async def insert(self, table: Table, column: Any, row: Cells) -> Any:
        """The key of a new row. What is sealed is bound to it: it waits where the database gives the key."""
        known = row.get(column)
        late = unsealable(row, self.sealed) if known is None else {}
        values = held({**row, **dict.fromkeys(late, "")}, known, self.sealed)
        written = await self.t.execute(insert(with_blind(table, values)).values(values))
        key = written.key if known is None else known
        if late:
            await self.change(table, column, key, late)
        return key

    async def change(self, table: Table, column: Any, key: Any, cells: Cells) -> None:
        """Writes columns of one row."""
        values = held(cells, key, self.sealed)
        seen = with_blind(table, values)
        await self.t.execute(update(seen).where(seen.c[column.name] == key).values(values))

    async def hold(self, table: Table, condition: Condition) -> list[Held]:
        """The rows, in the order of their keys; nobody else changes them until the transaction ends."""
        key = key_of(table)
        found = await self.fetch(select(*table.c).where(condition).order_by(key).with_for_update())
        return [self._opened(table, dict(zip(table.c, row, strict=True)), key) for row in found]

    def _opened(self, table: Table, row: Cells, key: Any) -> Held:
        for column in table.c:
            if self.sealed is None:
                break
            with suppress(UnopenableError):  # who reads the row says so
                row[column] = self.sealed.opened(column, row[column], [row[key]])
        return {c.name: v for c, v in row.items()}

    async def fetch(self, statement: Select[Any]) -> Any:
        """The rows that a select finds."""
        made = compiled(statement, self.t.dialect, Slots(()), {})
        return await self.t.fetch(made.sql, made.parameters((), {}))


def key_of(table: Table) -> Any:
    """The column that is a table's primary key."""
    return next(iter(table.primary_key))
