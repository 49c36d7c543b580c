"""Rows as real databases have them and no schema promises: all that a reader has to survive.

Numeric keys are 900000 and above (999999 is what an orphan points to), business keys hold 9000nn or a
character that no FHIR id can hold. Written rows say in "why" what is awkward about them. Besides, each table
has a row with NULL wherever NULL is allowed (900102), a row of blank texts, zeros and zero uuids (900103),
and OpenEMR's tables a row with zero in every date (900101).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, Table

from mappers.cdss.tables import CDSS
from mappers.demo.awkward_fill import FILLS, Fill
from mappers.demo.hospital import in_table_order
from mappers.demo.rows import Row, complete, row_key
from mappers.openemr.tables import OPENEMR

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Awkward:
    """An awkward row and what is awkward about it."""

    table: Table
    row: dict[str, Any]
    why: str

    @property
    def key(self) -> tuple[Any, ...]:
        """The values of the row's key columns."""
        return tuple(self.row[name] for name in row_key(self.table))


def awkward_rows() -> Iterator[Row]:
    """Every awkward row of both databases, in an order that foreign keys allow."""
    for metadata in (CDSS, OPENEMR):
        rows = [(found.table, found.row) for found in awkward(metadata)]
        yield from in_table_order(metadata, rows)


def awkward(metadata: MetaData) -> Iterator[Awkward]:
    """The awkward rows of one database with their reasons."""
    folder = HERE / ("awkward_openemr" if metadata is OPENEMR else "awkward_cdss")
    for table in metadata.sorted_tables:
        yield from _written(folder, table)
        yield from (_filled(table, fill) for fill in FILLS if fill.suits(table))


def _written(folder: Path, table: Table) -> Iterator[Awkward]:
    path = folder / f"{table.name}.jsonl"
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        given = json.loads(line)
        why = given.pop("why")
        yield Awkward(table, complete(table, {name: _long(value) for name, value in given.items()}), why)


def _filled(table: Table, fill: Fill) -> Awkward:
    return Awkward(table, complete(table, fill.values(table)), fill.why)


def _long(value: Any) -> Any:
    """A text too long to be written down: {"repeat": text, "times": n}."""
    if isinstance(value, dict) and value.keys() == {"repeat", "times"}:
        return value["repeat"] * value["times"]
    return value
