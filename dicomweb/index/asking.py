"""Statements that are run for every instance: built and compiled once for each kind of database."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from sqlalchemy import ClauseElement
from sqlalchemy.engine import Dialect

from mappers.database import Database, Rows
from mappers.statement import Slots, Statement, compiled

#: makes a statement whose values are `slots.named(…)`
Build = Callable[[Slots, str], ClauseElement]


async def ask(database: Database, build: Build, **values: Any) -> Rows:
    """Runs what `build` (a function of a module) makes for the dialect's name, with these values."""
    made = _made(build, database.dialect, tuple(sorted(database.schemas.items())))
    return await database.fetch(made.sql, made.parameters((), values))


@lru_cache(256)
def _made(build: Build, dialect: Dialect, schemas: tuple[tuple[str, str], ...]) -> Statement:
    slots = Slots(())
    return compiled(build(slots, dialect.name), dialect, slots, dict(schemas))
