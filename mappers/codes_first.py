"""Codes of masters: their keys are looked up first, and then the rows that have them.

A sub-select tells a server nothing of how many rows have its keys, so that it may walk through millions.
"""

from __future__ import annotations

from collections.abc import Sequence

from mappers.database import Database
from mappers.prepared import Sql
from mappers.statement import Statement
from mappers.terms import Term

#: more keys than this are left to the database, as a sub-select
FEW = 64


async def codes_first(database: Database, statement: Statement, terms: Sequence[Term]) -> Statement:
    """The statement with the keys that its look-ups find, where they are few."""
    if not statement.look_ups:
        return statement
    found = {}
    for name, look_up in statement.look_ups.items():
        asked = Sql.of(f"{look_up.sql} LIMIT {FEW + 1}")
        rows = await database.fetch(asked, look_up.parameters(terms, {}))
        if len(rows) <= FEW:
            found[name] = [row[0] for row in rows]
    return statement.with_keys(found)
