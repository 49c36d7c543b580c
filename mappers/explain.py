"""What the compiler makes of a query, for people: never with a value of the query in it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mappers.branch import Branch
from mappers.database import Database
from mappers.engine import Engine
from mappers.query import (
    AnyOf,
    Chained,
    Condition,
    Criterion,
    Has,
    NotAbout,
    ReleasedTo,
    SearchQuery,
)
from mappers.reach import names_in
from mappers.reader import source_name
from mappers.select import page_of_keys
from mappers.sql import plain
from mappers.statement import Slots, Statement
from mappers.view import View


@dataclass(frozen=True)
class Reached:
    """One condition of the query as it is written, without values, and the columns that it compares."""

    condition: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One step of a plan: the table, how it is read, by which index, and how many rows the server expects."""

    table: str
    access: str
    index: str
    rows: int | None
    note: str


@dataclass(frozen=True)
class BranchExplained:
    """One branch: what it reads, the ids of its parts, the statement of its keys, what conditions reach."""

    source: str
    parts: tuple[str, ...]
    statement: Statement
    reached: tuple[Reached, ...]
    access: tuple[str, ...]


def explain(view: View, query: SearchQuery, by_post: bool = False) -> Iterator[BranchExplained]:
    """Each branch that can match, as the statement of its keys."""
    engine = view.engine
    slots = Slots([*query.terms(), *view.access.terms])
    for number, branch in engine.plans.branches(query, view.access, by_post, slots).items():
        engine.plans.put_in_order(branch, number)
        statement = page_of_keys(branch, number, slots, None, [branch.key])
        yield BranchExplained(
            source_name(branch.parts[0]),
            tuple(f"{p.id.prefix}…{p.id.suffix}" for p in branch.parts),
            engine.plans.text(statement, slots),
            tuple(Reached(condition_text(c), _columns(branch, c)) for c in query.where),
            tuple(dict.fromkeys(_access(engine, branch))),
        )


def _columns(branch: Branch, condition: Condition) -> tuple[str, ...]:
    found = names_in(*(plain(scope.condition(condition)) for scope in branch.scopes))
    return tuple(str(name) for name in sorted(found))


def _access(engine: Engine, branch: Branch) -> Iterator[str]:
    """The conditions that access control adds, as SQL, for each part: most say the same."""
    for scope in branch.scopes:
        for condition in branch.gated or ():
            yield str(plain(scope.opened(condition)).compile(dialect=engine.database.dialect))


def condition_text(condition: Condition) -> str:
    """A condition as it stands in a query string, without its values."""
    if isinstance(condition, Criterion):
        modifier = condition.modifier or ("missing" if condition.missing is not None else "")
        return f"{condition.param}:{modifier}" if modifier else condition.param
    if isinstance(condition, Chained):
        return f"{condition.param}:{condition.target_type}.{condition_text(condition.condition)}"
    if isinstance(condition, NotAbout):
        return f"not about {condition.param or 'itself'}: {condition_text(condition.condition)}"
    if isinstance(condition, ReleasedTo):
        return "released"
    if isinstance(condition, Has):
        return f"_has:{condition.resource_type}:{condition.param}:{condition_text(condition.condition)}"
    joiner = " or " if isinstance(condition, AnyOf) else " and "
    return joiner.join(dict.fromkeys(condition_text(c) for c in condition.conditions))


async def plan(database: Database, statement: Statement, parameters: tuple[Any, ...]) -> list[Step]:
    """How the database would run the statement."""
    rows = await database.fetch(explaining(database.dialect.name) + statement.sql, parameters)
    return steps(rows)


def explaining(dialect: str) -> str:
    """What stands before a statement to have its plan instead of its rows."""
    return "EXPLAIN QUERY PLAN " if dialect == "sqlite" else "EXPLAIN FORMAT=TRADITIONAL "


def steps(rows: Sequence[Sequence[Any]]) -> list[Step]:
    """The rows of EXPLAIN: 4 columns from SQLite, 10 from MariaDB, 12 from MySQL."""
    return [_step(row) for row in rows]


def _step(row: Sequence[Any]) -> Step:
    if len(row) == 4:
        return Step("", "", "", None, str(row[3]))
    table, access, index = (row[2], row[3], row[5]) if len(row) == 10 else (row[2], row[4], row[6])
    rows = row[8] if len(row) == 10 else row[9]
    texts = ["" if cell is None else str(cell) for cell in (table, access, index, row[-1])]
    return Step(texts[0], texts[1], texts[2], _count(rows), texts[3])


def _count(rows: Any) -> int | None:
    """`1 (59%)`, as MariaDB says of a filter by row number, is 1."""
    return None if rows is None else int(float(str(rows).partition(" ")[0]))


async def timed(database: Database, statement: Statement, parameters: tuple[Any, ...]) -> tuple[int, float]:
    """How many rows the statement yields, and the milliseconds that it takes."""
    started = time.perf_counter()
    rows = await database.fetch(statement.sql, parameters)
    return len(rows), (time.perf_counter() - started) * 1000
