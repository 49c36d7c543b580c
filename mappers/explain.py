"""What the compiler makes of a query, for people: never with values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy.sql import visitors
from sqlalchemy.sql.schema import Column

from mappers.engine import Engine
from mappers.query import UNRESTRICTED, SearchQuery
from mappers.select import page_of_keys
from mappers.statement import Slots, compiled


@dataclass(frozen=True)
class BranchExplained:
    """One branch: what it reads, the ids of its parts, the statement, the columns that conditions reach."""

    source: str
    parts: tuple[str, ...]
    sql: str
    columns: tuple[str, ...]


def explain(engine: Engine, query: SearchQuery, by_post: bool) -> Iterator[BranchExplained]:
    """Each branch that can match, as the statement of its keys."""
    slots = Slots(query.terms())
    for number, branch in engine.branches(query, UNRESTRICTED, by_post, slots).items():
        statement = page_of_keys(branch, number, slots, None, [branch.key])
        text = compiled(statement, engine.database.dialect, slots, engine.database.schemas).sql
        reached = sorted({name for condition in branch.where for name in _columns(condition)})
        ids = tuple(f"{p.id.prefix}…{p.id.suffix}" for p in branch.parts)
        yield BranchExplained(engine.reader(branch).table, ids, text, tuple(reached))


def _columns(condition: object) -> Iterator[str]:
    for element in visitors.iterate(condition):  # type: ignore[arg-type]
        if isinstance(element, Column) and element.table is not None:
            schema = getattr(element.table, "schema", None) or "cdss_db"
            yield f"{schema}.{getattr(element.table, 'name', '?')}.{element.name}"
