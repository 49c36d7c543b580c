"""The trail's rows as they stand in the database, in order, a few at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, Table, cast, select

from fhir_facade.audit.due import Due
from fhir_facade.audit.store import COLUMNS
from mappers.facade.tables import fhir_audit, fhir_audit_due, fhir_audit_event

PAGE = 500
SMALLEST = -(2**63)
A, E, D = fhir_audit.c, fhir_audit_event.c, fhir_audit_due.c


@dataclass(frozen=True)
class Stored:
    """A row of `fhir_audit` with the values of its AuditEvents."""

    id: int
    values: dict[str, Any]
    events: list[tuple[Any, ...]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return self.values[name]


def snapshot(connection: Connection) -> None:
    """From here on the connection sees the database as it is now, whoever goes on writing."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")


def stored(connection: Connection) -> Iterator[Stored]:
    """Every row by id with its events; events of no row come as rows without values."""
    events = Events(connection)
    for row in pages(connection, fhir_audit, [A.id, *(A[name] for name in COLUMNS)]):
        yield from events.strays(row[0])
        yield Stored(row[0], dict(zip(COLUMNS, row[1:], strict=True)), events.of(row[0]))
    yield from events.strays(None)


def due(connection: Connection) -> Iterator[tuple[Due, str]]:
    """What the trail hasn't got yet, with its seals."""
    for row in connection.execute(select(D.id, D.records, D.seal).order_by(D.id)):
        yield Due(row[0], row[1]), row[2]


class Events:
    """The AuditEvents by access, read along with the accesses."""

    def __init__(self, connection: Connection) -> None:
        # as text: drivers differ in what they make of a time
        columns = [E.id, E.audit_id, cast(E.recorded, String(26)), E.patient_id, E.openemr_pid]
        self._groups = groupby(pages(connection, fhir_audit_event, columns), key=lambda event: event[1])
        self._next: tuple[int, list[tuple[Any, ...]]] | None = None
        self._advance()

    def _advance(self) -> None:
        found = next(self._groups, None)
        self._next = (found[0], list(found[1])) if found else None

    def of(self, audit_id: int) -> list[tuple[Any, ...]]:
        """The events of that access."""
        if self._next is None or self._next[0] != audit_id:
            return []
        events = self._next[1]
        self._advance()
        return events

    def strays(self, before: int | None) -> Iterator[Stored]:
        """Events of accesses that come before one (or at all) and aren't there."""
        while self._next is not None and (before is None or self._next[0] < before):
            yield Stored(self._next[0], {}, self._next[1])
            self._advance()


def pages(
    connection: Connection, table: Table, columns: list[ColumnElement[Any]]
) -> Iterator[tuple[Any, ...]]:
    """All rows by id; never more than a page of them is held."""
    last = SMALLEST
    while True:
        wanted = select(*columns).where(table.c.id > last).order_by(table.c.id).limit(PAGE)
        found = [tuple(row) for row in connection.execute(wanted)]
        yield from found
        if len(found) < PAGE:
            return
        last = found[-1][0]
