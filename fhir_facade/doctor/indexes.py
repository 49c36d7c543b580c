"""Indexes: which searches read whole tables, and which indexes would spare them that. Nothing is applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection

from fhir_facade.inspection import OPENEMR_SCHEMA
from mappers.branch import sort_expression
from mappers.index_order import Indexes
from mappers.mapping import Part, ResourceMapping
from mappers.parse import declared_type
from mappers.reach import indexable_names, schema_of

#: MySQL and MariaDB names have at most 64 characters
MAX_NAME = 64
#: characters of a long text that an index holds
PREFIX = 64
Mappings = Mapping[str, ResourceMapping]


@dataclass(frozen=True, order=True)
class Index:
    """An index that a table doesn't have; `prefixed` are columns of long text."""

    schema: str
    table: str
    columns: tuple[str, ...]
    prefixed: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`facade_<table>_<columns>`."""
        return f"facade_{self.table}_{'_'.join(self.columns)}"[:MAX_NAME]

    def ddl(self, schema: str) -> str:
        """The statement that makes it, in a schema of that name."""
        listed = ", ".join(f"`{c}`({PREFIX})" if c in self.prefixed else f"`{c}`" for c in self.columns)
        return f"CREATE INDEX `{self.name}` ON `{schema}`.`{self.table}` ({listed});"


@dataclass(frozen=True)
class Tables:
    """What the catalogue says of tables: estimated rows, the columns of each index, columns of long text."""

    rows: Mapping[tuple[str, str], int]
    indexes: Indexes
    texts: frozenset[tuple[str, str, str]]

    def covered(self, schema: str, table: str, columns: tuple[str, ...]) -> bool:
        """Whether an index begins with those columns, in that order."""
        wanted = tuple(c.lower() for c in columns)
        return any(held[: len(wanted)] == wanted for held in self.indexes.get((schema, table), ()))

    def is_text(self, schema: str, table: str, column: str) -> bool:
        """Whether a column is of a type that an index holds by a prefix only."""
        return (schema, table, column) in self.texts


def tables_of(connection: Connection, names: Mapping[str, str], indexes: Indexes) -> Tables:
    """The catalogue's word on the schemas `names` (real → declared), whose indexes are known."""
    schemas = tuple(names)
    rows = connection.exec_driver_sql(
        "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_ROWS FROM information_schema.TABLES "
        "WHERE TABLE_SCHEMA IN (%s, %s)",
        schemas,
    )
    sizes = {(names[s], t): int(n or 0) for s, t, n in rows}
    return Tables(sizes, indexes, _texts(connection, names))


def _texts(connection: Connection, names: Mapping[str, str]) -> frozenset[tuple[str, str, str]]:
    rows = connection.exec_driver_sql(
        "SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS "
        "WHERE TABLE_SCHEMA IN (%s, %s) AND DATA_TYPE IN ('tinytext', 'text', 'mediumtext', 'longtext')",
        tuple(names),
    )
    return frozenset((names[s], t, c) for s, t, c in rows)


def wanted(mappings: Mappings, tables: Tables, min_rows: int) -> dict[Index, list[str]]:
    """The indexes that large tables lack for the usual searches, and the searches that each would serve."""
    found: dict[Index, list[str]] = {}
    for mapping in mappings.values():
        for part in mapping.parts:
            for columns, search in usual(mappings, mapping, part):
                index = _lacking(part, columns, tables, min_rows)
                if index is not None and search not in found.setdefault(index, []):
                    found[index].append(search)
    return {i: s for i, s in found.items() if not _longer_one(i, found)}


def _longer_one(index: Index, all_: Mapping[Index, Any]) -> bool:
    """Whether another of the wanted indexes begins with all of this one's columns."""
    size = len(index.columns)
    same = [o for o in all_ if (o.schema, o.table) == (index.schema, index.table) and o != index]
    return any(o.columns[:size] == index.columns for o in same)


def _lacking(part: Part, columns: tuple[str, ...], tables: Tables, min_rows: int) -> Index | None:
    table: Any = part.source.table
    schema, name = schema_of(table), str(table.name)
    if tables.rows.get((schema, name), 0) < min_rows or tables.covered(schema, name, columns):
        return None
    prefixed = tuple(c for c in columns if tables.is_text(schema, name, c))
    return Index(schema, name, columns, prefixed)


def usual(mappings: Mappings, mapping: ResourceMapping, part: Part) -> Iterator[tuple[tuple[str, ...], str]]:
    """(columns, search) of what clients usually ask: by patient and date, code and date, last change."""
    date, date_name = _date(mapping, part)
    for name in ("patient", "code"):
        for column in compared(mappings, mapping, part, name):
            sorted_ = f"{mapping.resource_type}?{name}=…&_sort=-{date_name}"
            yield ((column, date), sorted_) if date else ((column,), f"{mapping.resource_type}?{name}=…")
    for column in compared(mappings, mapping, part, "identifier"):
        yield (column,), f"{mapping.resource_type}?identifier=…"
    if date:
        yield (date,), f"{mapping.resource_type}?{date_name}=…"
    updated = _order(mapping, part, "_lastUpdated")
    if updated:
        yield (updated,), f"{mapping.resource_type}?_lastUpdated=…"


def compared(mappings: Mappings, mapping: ResourceMapping, part: Part, name: str) -> list[str]:
    """The columns of the part's own table that a search by a parameter compares, but its key."""
    if name not in mapping.params:
        return []
    found = indexable_names(mappings, mapping, part, name)
    return sorted(n.column for n in found if n.column != part.id.column.key)


def _date(mapping: ResourceMapping, part: Part) -> tuple[str | None, str]:
    """The column of the part's own table that its resources are sorted by in time, and the parameter."""
    dates = [n for n, p in mapping.params.items() if declared_type(mapping.resource_type, p) == "date"]
    for name in sorted(dates, key=lambda n: n != "date"):
        if column := _order(mapping, part, name):
            return column, name
    return None, ""


def _order(mapping: ResourceMapping, part: Part, name: str) -> str | None:
    """The column of the part's own table that a parameter sorts by; None where that is no such column."""
    key = sort_expression(mapping, part, name)
    return key.name if isinstance(key, Column) and key.table is part.source.table else None


def statements(indexes: Mapping[Index, Sequence[str]], names: Mapping[str, str]) -> Iterator[str]:
    """DDL for the CDSS; for OpenEMR, whose schema is its own, as comments. `names`: declared → real."""
    for index, searches in sorted(indexes.items()):
        ddl = index.ddl(names[index.schema])
        yield f"-- {', '.join(searches[:4])}"
        yield (
            f"-- OpenEMR's own schema, for its administrator: {ddl}"
            if index.schema == OPENEMR_SCHEMA
            else ddl
        )
