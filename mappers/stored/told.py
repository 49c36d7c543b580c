"""What tells an element: columns of a row's own tables, and the rows of others that belong to it.

What was sent of an element counts while all of this is as it was; reads and searches ask the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mappers.mapping import Element, Part
from mappers.value import Column, Columns, Row
from mappers.values.children import ChildQuery, Children
from mappers.values.compounds import Sensitive


class Belonging:
    """Child rows that belong to a row: `columns`, what reading one of them asks for; `inner`, its own.

    Of lines that are written with the row, joined masters say nothing: many lines share them.
    """

    def __init__(self, part: Part, query: ChildQuery) -> None:
        self.children: Children = query.children
        asked, selected = query.columns.used_by(self.children.value), query.columns.selected
        lines = [lines.table for lines in part.upkeep.lines] if part.upkeep else []
        apart = _real(self.children.table) in lines
        # a key that only opens another column isn't asked for
        self._places = [
            i
            for i, c in enumerate(selected)
            if i in asked and not (apart and _of(c) is not self.children.table)
        ]
        self.columns: list[Column] = [selected[i] for i in self._places]
        self.inner = [Belonging(part, each) for each in query.columns.children]
        self._opened = query.columns.opened

    @property
    def away(self) -> bool:
        """Whether it takes tables of the other database to find them."""
        joined = (join.table for join in self.children.child_joins)
        return any(_real(t).schema for t in (self.children.own.table, self.children.table, *joined))

    def says(self, rows: Sequence[Row]) -> list[Any]:
        """What the rows say, sealed or not."""
        return [
            [row[i] for i in self._places] + [each.says(row[-n - 1]) for n, each in enumerate(self.inner)]
            for row in map(self._opened, rows)
        ]


@dataclass(frozen=True)
class Places:
    """Where in a row that stands: own columns, and (from the end of the row) lists of child rows."""

    columns: tuple[int, ...] = ()
    lists: tuple[int, ...] = ()

    @classmethod
    def of(cls, part: Part, columns: Columns, elements: Sequence[Element]) -> Places:
        """The places that elements of a part look at.

        A sensitive value looks at none: whoever may not see it must find the same.
        """
        used: set[int | None] = set()
        for element in elements:
            if not isinstance(element.value, Sensitive):
                used |= columns.used_by(element.value)
        everything = cls.all_of(part, columns)
        own = (i for i in everything.columns if i in used)
        return cls(tuple(own), tuple(i for i in everything.lists if i in used))

    @classmethod
    def all_of(cls, part: Part, columns: Columns) -> Places:
        """All that is the row's own, or is written with it."""
        own = (i for i, c in enumerate(columns.selected) if _of(c) in part.tables)
        return cls(tuple(own), tuple(-i - 1 for i in range(len(columns.children))))


def _of(column: Any) -> Any:
    return getattr(column, "table", None)


def _real(table: Any) -> Any:
    """The table behind an alias."""
    return getattr(table, "element", table)
