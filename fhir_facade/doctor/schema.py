"""Tables and columns: which are missing or of another type, and what that takes down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from fhir_facade.doctor.finding import Finding, Level, fine
from fhir_facade.drift import missing_columns, told
from fhir_facade.inspection import Catalogue
from fhir_facade.migrations import is_ours
from mappers.mapping import ResourceMapping
from mappers.reach import ColumnName, Names, all_names
from mappers.reduced import reduced

Mappings = Mapping[str, ResourceMapping]
AREA = "schema"


def examine_schema(mappings: Mappings, there: Catalogue) -> list[Finding]:
    """A finding for each table that differs."""
    missing = missing_columns(mappings, there)
    found = [_missing(mappings, there, table, missing) for table in sorted({n.of for n in missing})]
    found += _changed(mappings, there)
    count = len(all_names(mappings))
    return found or [fine(AREA, f"all {count} columns that the mappings read are there")]


def _missing(mappings: Mappings, there: Catalogue, table: tuple[str, str], missing: Names) -> Finding:
    columns = sorted(n for n in missing if n.of == table)
    left, losses = reduced(mappings, frozenset(columns))
    level = Level.ADVICE if left.keys() == mappings.keys() else Level.BROKEN
    name = ".".join(table)
    costs = tuple(told(mappings, left, losses, there))
    if table not in there.tables:
        return Finding(level, AREA, f"table {name} is not there, or may not be read", costs, _readable(table))
    listed = ", ".join(c.column for c in columns)
    return Finding(level, AREA, f"{name} has no {listed}", costs, _similar(there, columns))


def _readable(table: tuple[str, str]) -> str:
    if is_ours(table[1]):
        return "fhir-facade migrate"
    return f"if it exists: GRANT SELECT ON {table[0]}.{table[1]} to the facade's user"


def _similar(there: Catalogue, columns: list[ColumnName]) -> str:
    """Columns that may be the missing ones under another name."""
    present = [c.column for c in there.columns if c.of == columns[0].of]
    guesses = {c.column: get_close_matches(c.column, present, 2, 0.7) for c in columns}
    return "; ".join(f"{name} may now be {' or '.join(found)}" for name, found in guesses.items() if found)


def _changed(mappings: Mappings, there: Catalogue) -> Iterator[Finding]:
    """Columns whose type is of another class than the one declared."""
    present = {(c.of, c.column.lower()): kind for c, kind in there.columns.items()}
    for column in sorted(all_names(mappings)):
        kind = present.get((column.of, column.column.lower()), column.kind)
        if kind != column.kind:
            text = f"{column} is of type {kind}, not {column.kind}"
            costs = ("values may be absent, and searches and sorting by it wrong",)
            yield Finding(Level.ADVICE, AREA, text, costs)
