"""Rows of other tables that belong to a row: its lines, and the row that it is a line of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from mappers.mapping import Part
from mappers.upkeep import NOW, Held, Lines, Parent, Resource
from mappers.value import Cells, Writing
from mappers.write.faults import WriteFault
from mappers.write.refusals import given_by_server, path_of
from mappers.write.table_rows import TableRows, key_of


class Belonging:
    """What becomes of them when a row is written; `now` is the site's time."""

    def __init__(self, rows: TableRows, w: Writing, now: str) -> None:
        self.rows, self.w, self.now = rows, w, now

    async def hold(self, part: Part, key: Any) -> None:
        """Holds the row and all of them until the transaction ends: what is read is what is written over.

        The row that it is a line of comes first, then the lines: whoever writes any of them waits there, and
        holds nothing yet that another waits for. Nothing is held of a row that isn't there.
        """
        upkeep = part.upkeep
        assert upkeep is not None
        if upkeep.parent is not None:
            for (above,) in await self._above(part, upkeep.parent, key):
                await self._lines_of(part, upkeep.parent, above)
        own = select(part.id.column).where(part.id.column == key).with_for_update()
        if not await self.rows.fetch(own):
            return
        for lines in upkeep.lines:
            await self.rows.hold(lines.table, lines.link == key)

    # lines

    async def make(self, part: Part, key: Any, resource: Resource) -> None:
        """The lines of a new row."""
        assert part.upkeep is not None
        for lines in part.upkeep.lines:
            for cells in lines.made(resource, self.w):
                await self._insert(lines, key, cells)

    async def follow(self, part: Part, key: Any, sent: Resource | None, current: Resource) -> None:
        """Lines as they are once the row is written over (or retired, where nothing is sent)."""
        assert part.upkeep is not None
        for lines in part.upkeep.lines:
            held = await self.rows.hold(lines.table, lines.link == key)
            for line, cells in lines.followed(sent, current, held, self.w):
                if line is None:
                    await self._insert(lines, key, cells)
                else:
                    await self.rows.change(lines.table, key_of(lines.table), line, self.stamped(cells))

    async def _insert(self, lines: Lines, key: Any, cells: Cells) -> None:
        row = {**self.stamped(cells), lines.link: key}
        await self.rows.insert(lines.table, key_of(lines.table), row)

    # the parent

    async def write_parent(self, part: Part, key: Any, cells: Cells, resource_type: str) -> None:
        """Writes the row that this one belongs to; raises WriteFault 422 where it is others' row too."""
        assert part.upkeep is not None
        parent = part.upkeep.parent
        assert parent is not None
        above, lines = await self._siblings(part, parent, key)
        own = key_of(parent.table)
        changed = {c: v for c, v in cells.items() if c is not own}
        if cells.get(own) not in (None, above):
            raise given_by_server(own, path_of(part, own, resource_type))
        if changed and len(lines) > 1:
            path = path_of(part, next(iter(changed)), resource_type)
            raise WriteFault(422, "business-rule", _shared(part, parent), path)
        touched = dict.fromkeys(parent.upkeep.touched, self.now)
        await self.rows.change(parent.table, key_of(parent.table), above, {**changed, **touched})

    async def follow_in_parent(self, part: Part, key: Any) -> None:
        """The row that this one belongs to is as its lines are now."""
        assert part.upkeep is not None
        parent = part.upkeep.parent
        if parent is None:
            return
        above, lines = await self._siblings(part, parent, key)
        [held] = await self.rows.hold(parent.table, key_of(parent.table) == above)
        cells, changes = parent.followed(held, lines)
        table: Any = part.source.table
        for line, own in changes:
            await self.rows.change(table, part.id.column, line, self.stamped(own))
        if cells:
            await self.rows.change(parent.table, key_of(parent.table), above, self.stamped(cells))

    async def _siblings(self, part: Part, parent: Parent, key: Any) -> tuple[Any, list[Held]]:
        """The parent's key and all rows that belong to it, held."""
        [(above,)] = await self._above(part, parent, key)
        return above, await self._lines_of(part, parent, above)

    async def _above(self, part: Part, parent: Parent, key: Any) -> Any:
        """The parent's key, as a row; none where there is no such line."""
        return await self.rows.fetch(select(parent.link).where(part.id.column == key))

    async def _lines_of(self, part: Part, parent: Parent, above: Any) -> list[Held]:
        """All rows that belong to a parent, held: the parent first, so that all wait there."""
        await self.rows.hold(parent.table, key_of(parent.table) == above)
        table: Any = part.source.table
        return await self.rows.hold(table, parent.link == above)

    def stamped(self, cells: Cells) -> Cells:
        """The cells, with the time."""
        return {c: self.now if v is NOW else v for c, v in cells.items()}


def _shared(part: Part, parent: Parent) -> str:
    table = part.source.table.name  # type: ignore[attr-defined]
    return f"this is said by the row of {parent.table.name}, to which other rows of {table} belong too"
