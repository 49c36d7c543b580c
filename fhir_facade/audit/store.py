"""What the trail writes into: rows in, durable when it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mappers.facade.tables import EVENTS_AN_ACCESS, fhir_audit, fhir_audit_event

COLUMNS = tuple(c.name for c in fhir_audit.columns if c.name != "id")
EVENT_COLUMNS = tuple(c.name for c in fhir_audit_event.columns)
Patient = tuple[str | None, int | None]
NOBODY: Patient = (None, None)


class NotWrittenError(Exception):
    """Nothing was written, and that is certain; any other error of a store leaves it open."""


@dataclass(frozen=True)
class Row:
    """One access: the values of `COLUMNS`, when, and (patient_id, openemr_pid) for each AuditEvent."""

    values: tuple[Any, ...]
    recorded: str
    patients: Sequence[Patient]

    def events(self, audit_id: int) -> list[tuple[Any, ...]]:
        """The values of `EVENT_COLUMNS` of its AuditEvents."""
        first = audit_id * EVENTS_AN_ACCESS
        return [(first + n, audit_id, self.recorded, *p) for n, p in enumerate(self.patients or (NOBODY,))]


class Store(Protocol):
    """A connection of the trail's own."""

    async def open(self) -> None:
        """Makes sure that there is a connection; NotWrittenError where there can be none."""

    async def write(self, rows: Sequence[Row]) -> None:
        """Commits the rows together; NotWrittenError, or another error that leaves it open."""

    async def close(self) -> None:
        """Gives the connection back."""


def inserting(table: str, columns: Sequence[str], rows: int, mark: str) -> str:
    """INSERT of several rows, with a mark for each value."""
    places = f"({', '.join([mark] * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([places] * rows)}"  # noqa: S608 - our own names
