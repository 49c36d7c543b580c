"""Rows by their keys, and the lists of child rows that belong to them."""

from __future__ import annotations

from typing import Any

from mappers.database import Database, Rows
from mappers.from_clause import Compilation
from mappers.plans import Plans
from mappers.reader import Reader
from mappers.scope import PartScope
from mappers.select import rows_by_key
from mappers.sql import one_of
from mappers.statement import Slots, Statement


class WholeRows:
    """Rows with everything that their readers need."""

    def __init__(self, plans: Plans, database: Database) -> None:
        self.plans, self.database = plans, database

    async def by_keys(self, reader: Reader, keys: list[Any]) -> Rows:
        """The rows of native keys; a row that has gone meanwhile is missing."""
        size = _padded(len(keys))
        statement = self.plans.cached(("rows", id(reader), size), lambda: self._rows_statement(reader, size))
        padded = keys + [keys[-1]] * (size - len(keys))
        return await self.database.fetch(
            statement.sql, statement.parameters((), {f"key{i}": k for i, k in enumerate(padded)})
        )

    def _rows_statement(self, reader: Reader, size: int) -> Statement:
        slots = Slots(())
        compilation = Compilation(self.plans.mappings, self.plans.site, slots)
        scope = PartScope(compilation, reader.mapping, reader.parts[0])
        return self.plans.text(rows_by_key(scope, reader, slots, size), slots)

    async def with_children(self, reader: Reader, rows: dict[Any, Any]) -> dict[Any, Any]:
        """Rows with the lists of their child rows behind them: one statement for each kind of child."""
        for number, query in enumerate(reader.columns.children):
            links = list({row[query.own]: None for row in rows.values() if row[query.own] is not None})
            grouped = await self._children(reader, number, query, links)
            rows = {key: _attach(row, grouped.get(row[query.own], []), number) for key, row in rows.items()}
        return rows

    async def _children(
        self, reader: Reader, number: int, query: Any, links: list[Any]
    ) -> dict[Any, list[Any]]:
        if not links:
            return {}
        size = _padded(len(links))
        shape = ("children", id(reader), number, size)
        statement = self.plans.cached(shape, lambda: self._child_statement(query, size))
        padded = links + [links[-1]] * (size - len(links))
        rows = await self.database.fetch(
            statement.sql, statement.parameters((), {f"key{i}": k for i, k in enumerate(padded)})
        )
        nested = await self.with_children(_Nested(query.columns), dict(enumerate(r[1:] for r in rows)))  # type: ignore[arg-type]
        grouped: dict[Any, list[Any]] = {}
        for i, row in enumerate(rows):
            grouped.setdefault(row[0], []).append(nested[i])
        return grouped

    def _child_statement(self, query: Any, size: int) -> Statement:
        slots = Slots(())
        keys = [slots.named(f"key{i}") for i in range(size)]
        return self.plans.text(query.statement().where(one_of(query.children.link, keys)), slots)


class _Nested:
    """Child columns, seen as a reader's: children may have children."""

    def __init__(self, columns: Any) -> None:
        self.columns = columns


def _attach(row: tuple[Any, ...], children: list[Any], number: int) -> tuple[Any, ...]:
    """The child rows of kind `number` stand at index -(number + 1) once all kinds are attached."""
    return (*row[: len(row) - number], children, *row[len(row) - number :])


def _padded(count: int) -> int:
    """The next power of two: few statements serve all sizes of key lists."""
    return 1 << max(count - 1, 0).bit_length()
