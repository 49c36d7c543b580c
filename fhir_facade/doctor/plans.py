"""Plans: which searches read large tables from end to end, as the server itself would run them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from capability.describe import usable_parameters
from fhir_facade.doctor.finding import Finding, Level
from mappers.engine import Engine
from mappers.explain import BranchExplained, Step, explain, explaining, steps
from mappers.mapping import ResourceMapping
from mappers.parse import Parser, SearchFault
from mappers.query import Criterion, SearchQuery
from mappers.reach import sample_terms

AREA = "plans"
LIMIT = 51


@dataclass(frozen=True)
class Scan:
    """A search that reads a table from end to end."""

    search: str
    source: str
    rows: int


def examine_plans(connection: Connection, engine: Engine, min_rows: int) -> list[Finding]:
    """A finding for each source that searches read from end to end."""
    found: dict[str, list[Scan]] = {}
    for scan in scans(connection, engine, min_rows):
        found.setdefault(scan.source, []).append(scan)
    return [_finding(source, listed) for source, listed in sorted(found.items())]


def _finding(source: str, listed: list[Scan]) -> Finding:
    searches = ", ".join(dict.fromkeys(s.search for s in listed))
    text = f"searches read {source.replace('/', '.')} from end to end (about {listed[0].rows:,} rows)"
    return Finding(Level.ADVICE, AREA, text, (searches,))


def scans(connection: Connection, engine: Engine, min_rows: int) -> Iterator[Scan]:
    """Every search by one parameter whose plan reads at least that many rows without an index."""
    for mapping in engine.mappings.values():
        for name in usable_parameters(engine.mappings, mapping):
            query = SearchQuery(mapping.resource_type, (_criterion(engine, mapping, name),))
            for branch in explain(engine, query, by_post=True):
                worst = max((_scanned(s) for s in plan_of(connection, query, branch)), default=0)
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
    values = branch.statement.parameters(query.terms(), {"limit": LIMIT})
    sql = explaining(connection.dialect.name) + branch.statement.sql
    return steps([tuple(row) for row in connection.exec_driver_sql(sql, values)])


def _scanned(step: Step) -> int:
    """The rows that a step reads from end to end: of a table, or of a whole index."""
    return step.rows or 0 if step.access in ("ALL", "index") else 0
