"""What is known of amended rows: for which parts and parameters there are any at all.

Almost always there are none, and then no search looks for them. Once there are, there may always be: so this
grows and never shrinks, and what another process learns first is known here a second later.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from sqlalchemy import select

from mappers.database import Database, SourceDownError
from mappers.facade.tables import fhir_amended
from mappers.mapping import ResourceMapping
from mappers.statement import Slots, compiled

#: seconds between two looks
FRESH = 1.0


class Amendments:
    """(part, parameter) of which some row is amended."""

    def __init__(self, mappings: Mapping[str, ResourceMapping]) -> None:
        self.known: frozenset[tuple[str, str]] = frozenset()
        self._possible = any(p.amended for m in mappings.values() for p in m.parts)
        self._looked = float("-inf")

    async def refresh(self, database: Database) -> None:
        """Looks again, if the last look is a while ago."""
        if not self._possible or time.monotonic() - self._looked < FRESH:
            return
        self._looked = time.monotonic()
        found = compiled(
            select(fhir_amended.c.part, fhir_amended.c.param).distinct(), database.dialect, Slots(()), {}
        )
        try:
            rows = await database.fetch(found.sql, ())
        except SourceDownError:
            return  # what can't be asked now is asked again soon
        self.known |= {(str(part), str(param)) for part, param in rows}

    def add(self, part: str, param: str) -> None:
        """What this process has just written."""
        self.known |= {(part, param)}
