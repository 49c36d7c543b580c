"""Plans: which searches read large tables from end to end, as the server itself would run them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from capability.describe import usable_parameters
from fhir_facade.doctor.finding import Finding, Level
from fhir_facade.doctor.indexes import Tables
from mappers.engine import Engine
from mappers.explain import BranchExplained, Step, explain, explaining, steps
from mappers.mapping import ResourceMapping
from mappers.parse import Parser, SearchFault
from mappers.query import UNRESTRICTED, Criterion, SearchQuery
from mappers.reach import sample_terms
from mappers.view import View

AREA = "plans"
LIMIT = 51


@dataclass(frozen=True)
class Scan:
    """A search that reads a table from end to end."""

    search: str
    source: str
    rows: int


def examine_plans(connection: Connection, engine: Engine, tables: Tables, min_rows: int) -> list[Finding]:
    """A finding for each source that searches read from end to end."""
    found: dict[str, list[Scan]] = {}
    for scan in scans(connection, engine, tables, min_rows):
        found.setdefault(scan.source, []).append(scan)
    return [_finding(source, listed) for source, listed in sorted(found.items())]


def _finding(source: str, listed: list[Scan]) -> Finding:
    searches = ", ".join(dict.fromkeys(s.search for s in listed))
    rows = max(s.rows for s in listed)
    text = f"searches may read all of {source.replace('/', '.')} or what it needs (about {rows:,} rows)"
    return Finding(Level.ADVICE, AREA, text, (searches,))


def scans(connection: Connection, engine: Engine, tables: Tables, min_rows: int) -> Iterator[Scan]:
    """Every search by one parameter that may read at least that many rows before it finds a page of them."""
    for mapping in engine.mappings.values():
        for name in usable_parameters(engine.mappings, mapping):
            query = SearchQuery(mapping.resource_type, (_criterion(engine, mapping, name),))
            for branch in explain(View(engine, UNRESTRICTED), query, by_post=True):
                schema, _, table = branch.source.partition("/")
                size = tables.rows.get((schema, table), 0)
                plan = plan_of(connection, query, branch)
                worst = max((_scanned(step, table, size) for step in plan), default=0)
                if worst >= min_rows:
                    yield Scan(f"{mapping.resource_type}?{name}=…", branch.source, worst)


def _criterion(engine: Engine, mapping: ResourceMapping, name: str) -> Criterion:
    """The declared example, else terms of the parameter's type."""
    declared = mapping.params.get(name)
    parser = Parser(engine.mappings, engine.site, by_post=True)
    if declared and declared.example:
        try:
            found = parser.condition(mapping.resource_type, name, declared.example)
        except SearchFault:
            found = None
        if isinstance(found, Criterion):
            return found
    return Criterion(name, tuple(sample_terms(engine.mappings, mapping, name)))


def plan_of(connection: Connection, query: SearchQuery, branch: BranchExplained) -> list[Step]:
    """The server's plan for a branch."""
    statement = branch.statement.with_keys({})
    values = statement.parameters(query.terms(), {"limit": LIMIT})
    sql = explaining(connection.dialect.name) + statement.sql
    return steps([tuple(row) for row in connection.exec_driver_sql(sql, values)])


def _scanned(step: Step, base: str, size: int) -> int:
    """The rows that a step reads from end to end: of a table, or of a whole index.

    A walk along the key ends once the page is full, so the server expects few rows; where few match, it goes
    through all of the base table.
    """
    if step.access not in ("ALL", "index"):
        return 0
    walks = step.table == base and "where" in step.note.lower()
    return max(step.rows or 0, size) if walks else step.rows or 0
