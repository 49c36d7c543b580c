"""What the trail writes into: rows in, durable when it returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from fhir_facade.audit.record import Patient
from mappers.facade.tables import EVENTS_AN_ACCESS, fhir_audit, fhir_audit_event

COLUMNS = tuple(c.name for c in fhir_audit.columns if c.name != "id")
EVENT_COLUMNS = tuple(c.name for c in fhir_audit_event.columns)
NOBODY: Patient = (None, None)


class NotWrittenError(Exception):
    """Nothing was written, and that is certain; any other error of a store leaves it open."""


class GoneError(NotWrittenError):
    """Something isn't due any more: another process has seen to it."""


class Row(NamedTuple):
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

    async def write(self, rows: Sequence[Row], due: Sequence[str] = ()) -> None:
        """Commits the rows together, and that these accesses aren't due any more.

        NotWrittenError (GoneError where one of them wasn't due), or another error that leaves it open.
        """

    async def probe(self) -> None:
        """Returns if rows could be written now; NotWrittenError where not."""

    async def still_due(self, ids: Sequence[str]) -> set[str]:
        """Those that are."""

    async def close(self) -> None:
        """Gives the connection back."""


#: asks for all that an INSERT needs, and adds nothing
PROBE = "INSERT INTO fhir_audit SELECT * FROM fhir_audit WHERE 1 = 0"


def over(ids: Sequence[str], mark: str) -> str:
    """The DELETE of what isn't due any more, with a mark for each id."""
    return f"DELETE FROM fhir_audit_due WHERE id IN ({', '.join([mark] * len(ids))})"  # noqa: S608 - our own names


def asking(ids: Sequence[str], mark: str) -> str:
    """The SELECT of those that still are."""
    return f"SELECT id FROM fhir_audit_due WHERE id IN ({', '.join([mark] * len(ids))})"  # noqa: S608 - our own names


def inserting(table: str, columns: Sequence[str], rows: int, mark: str) -> str:
    """INSERT of several rows, with a mark for each value."""
    places = f"({', '.join([mark] * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([places] * rows)}"  # noqa: S608 - our own names
