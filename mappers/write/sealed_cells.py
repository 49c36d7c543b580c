"""Cells as a table holds them: sealed, and with their blind index, where the hospital seals their column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, TableClause, column, table
from sqlalchemy.types import String

from mappers.sealed import Sealed
from mappers.value import Cells


def held(cells: Cells, key: Any, sealed: Sealed | None) -> dict[str, Any]:
    """The columns' values by name, in the row of that key."""
    found = {c.name: v for c, v in cells.items()}
    if sealed is not None:
        for cell, text in cells.items():
            if sealed.covers(cell):
                found |= sealed.cells(cell, text, key)
    return found


def unsealable(cells: Cells, sealed: Sealed | None) -> Cells:
    """The cells that can't be sealed before the row's key is known."""
    return {c: v for c, v in cells.items() if sealed is not None and sealed.covers(c)}


def with_blind(base: Table, values: Mapping[str, Any]) -> TableClause:
    """The table as a statement needs it that also writes blind indexes, which no declaration names."""
    names = dict.fromkeys((*(c.name for c in base.c), *values))
    return table(base.name, *(column(n, base.c[n].type if n in base.c else String()) for n in names))
