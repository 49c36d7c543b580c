"""What a table's columns refuse, and which element of the resource that is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Table

from mappers.cells import cells_of
from mappers.mapping import Element, Part
from mappers.site import Site
from mappers.value import Cells
from mappers.write.faults import WriteFault
from terminology.systems import DATA_ABSENT_REASON

#: systems whose codes fill nothing
NO_CODE = ("", DATA_ABSENT_REASON)


def given_by_server(column: Any, path: str = "") -> WriteFault:
    """422: a key that was sent."""
    text = f"the {column.name} of a new row is ours to give, and never changes"
    return WriteFault(422, "business-rule", text, path)


def refuse_gaps(part: Part, row: Cells, resource_type: str, table: Table) -> None:
    """A column of a new row that must be filled and isn't."""
    for column in table.c:
        numbered = column.primary_key and column not in row
        if not column.nullable and not numbered and row.get(column) is None:
            raise _needed(part, column, resource_type)


def refuse_blanks(part: Part, cells: Cells, resource_type: str) -> None:
    """A column that must be filled, and would be emptied."""
    for column, value in cells.items():
        if value is None and not getattr(column, "nullable", True):
            raise _needed(part, column, resource_type)


def _needed(part: Part, column: Any, resource_type: str) -> WriteFault:
    text = f"the column {column.name} must be filled, and nothing that was sent can fill it"
    systems = sorted(s for e in _writers(part, column) for s in e.value.of_systems or () if s not in NO_CODE)
    taken = f"; it takes codes of {', '.join(systems)}" if systems else ""
    return WriteFault(422, "business-rule", text + taken, path_of(part, column, resource_type))


def path_of(part: Part, column: Any, resource_type: str) -> str:
    """The FHIRPath of the element that writes a column; '' where none does."""
    path = next((e.path for e in _writers(part, column)), "")
    return f"{resource_type}.{path.replace('[]', '').replace('[x]', '')}" if path else ""


def _writers(part: Part, column: Any) -> Iterator[Element]:
    """The elements that write a column."""
    return (e for e in part.elements if column.name in {c.name for c in _written_by(e)})


def _written_by(element: Element) -> Cells:
    return {} if element.writes is False else cells_of([element], {}, _NOBODY)


class _Nobody:
    """Whom values ask that are asked for nothing."""

    site = Site()

    def target(self, reference: Any, text: str) -> Cells | None:
        return None


_NOBODY = _Nobody()
