"""Statements as text for the hot path's database, which takes no SQLAlchemy objects."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from mappers.database import Database


def plain(database: Database, statement: Select[Any]) -> str:
    """The SQL with its (own, never a caller's) values written out."""
    return str(statement.compile(dialect=database.dialect, compile_kwargs={"literal_binds": True}))
