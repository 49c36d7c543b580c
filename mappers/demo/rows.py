"""Rows as they are loaded: every column named, omitted ones filled the way the database would fill them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, Table
from sqlalchemy.schema import DefaultClause

from mappers.column_types import ServerNow, SiteDate, SiteDateTime, UtcTimestamp, Uuid16
from mappers.demo.clock import NOW, ZERO_DATE, ZERO_DATETIME
from mappers.demo.identifiers import uuid_of

Row = tuple[Table, dict[str, Any]]

# A key in a row file that stands for a UUID made from the table's name and the row's key.
MADE_UUID = "@"

# Where these are omitted, the row's earliest moment stands; its latest one is the last change.
CREATED = ("created_at", "date_created")


def complete(table: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    """The row with all columns of the table; a column that the table lacks is refused."""
    if unknown := given.keys() - table.columns.keys():
        raise KeyError(f"{table.name} has no column {', '.join(sorted(unknown))}")
    moments = _moments(table, given)
    row = {
        column.name: _omitted(column, moments[0] if column.name in CREATED else moments[-1])
        for column in table.columns
        if column.name not in given
    }
    row |= {name: _value(table, table.columns[name], given) for name in given}
    return {column.name: row[column.name] for column in table.columns}


def rows_in(folder: Path, tables: Iterable[Table]) -> Iterator[Row]:
    """The rows of the files in a folder that are named as the tables, CSV or JSON lines."""
    for table in tables:
        for record in _records(folder / table.name):
            yield table, complete(table, record)


def csv_records(path: Path) -> Iterator[dict[str, str]]:
    """One dict a line of a CSV file; empty cells are left out."""
    with path.open(encoding="utf-8", newline="") as lines:
        for record in csv.DictReader(lines):
            yield {name: text for name, text in record.items() if text != ""}


def _records(stem: Path) -> Iterator[dict[str, Any]]:
    csv_path, json_path = stem.with_suffix(".csv"), stem.with_suffix(".jsonl")
    if csv_path.exists():
        yield from csv_records(csv_path)
    if json_path.exists():
        with json_path.open(encoding="utf-8") as lines:
            yield from (json.loads(line) for line in lines if line.strip())


def _value(table: Table, column: Column[Any], given: Mapping[str, Any]) -> Any:
    """What is bound for a given value: integers as such, JSON as text, a made UUID as 16 bytes."""
    value = given[column.name]
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if value == MADE_UUID and (isinstance(column.type, Uuid16) or column.name == "uuid"):
        made = uuid_of(table.name, *(given[key] for key in row_key(table)))
        return made.bytes if isinstance(column.type, Uuid16) else made.hex
    if isinstance(column.type, Integer) and isinstance(value, str):
        return int(value)
    return value


def row_key(table: Table) -> tuple[str, ...]:
    """The names of the columns that tell a table's rows apart."""
    return tuple(column.name for column in table.primary_key) or ("pid",)


def _omitted(column: Column[Any], when: str) -> Any:
    """What an omitted column holds: its default, NULL, or what MySQL puts there outside strict mode."""
    if isinstance(column.server_default, DefaultClause):
        return _default(column, column.server_default.arg, when)
    if column.name in ("is_active", "activity", "active") and not column.nullable:
        return 1
    return None if column.nullable else _implicit(column, when)


def _default(column: Column[Any], default: Any, when: str) -> Any:
    if isinstance(default, ServerNow):
        return when
    return int(default) if isinstance(column.type, Integer) else default


def _implicit(column: Column[Any], when: str) -> Any:
    if isinstance(column.type, SiteDateTime):
        return when
    if isinstance(column.type, UtcTimestamp):
        return ZERO_DATETIME
    if isinstance(column.type, SiteDate):
        return ZERO_DATE
    if isinstance(column.type, Uuid16):
        return bytes(16)
    return 0 if isinstance(column.type, Integer) else ""


def _moments(table: Table, given: Mapping[str, Any]) -> list[str]:
    """The row's moments up to the demo's present in order of time, or that present alone."""
    names = (column.name for column in table.columns if isinstance(column.type, SiteDateTime))
    past = [str(given[name]) for name in names if given.get(name)]
    return sorted(text for text in past if ZERO_DATETIME < text <= NOW) or [NOW]
