"""An event ready to be written: its record's text and what is searched of it; only its place is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fhir_facade.audit.chain import Chain
from fhir_facade.audit.event import Event, canonical, moment, patient_columns, searched
from fhir_facade.audit.store import Patient, Row

#: patients that one row's AuditEvents are of; an access that showed more is several rows
PATIENTS = 5000
#: what a row of `fhir_audit_event` takes of a statement, in characters
EVENT_SIZE = 80


@dataclass(frozen=True)
class Prepared:
    """One row to be."""

    record: str
    searched: tuple[Any, ...]
    recorded: str
    patients: Sequence[Patient]

    @property
    def size(self) -> int:
        """About what it takes of a statement, in characters."""
        return 2 * len(self.record) + EVENT_SIZE * len(self.patients)

    def row(self, chain: Chain) -> Row:
        """The row at the chain's next place."""
        sequence, seal, link = chain.next(self.record)
        values = (chain.name, sequence, *self.searched, self.record, seal, link)
        return Row(values, self.recorded, self.patients)


def prepared(event: Event, now: datetime, server: str) -> list[Prepared]:
    """The rows of an event: one, unless it showed thousands of patients."""
    return [of_record(record) for record in records(event, now, server)]


def records(event: Event, now: datetime, server: str) -> list[dict[str, Any]]:
    """What those rows say."""
    return [part.record(now, server) for part in _parts(event)]


def _parts(event: Event) -> Iterator[Event]:
    if len(event.patients) <= PATIENTS:
        yield event
        return
    for start in range(0, len(event.patients), PATIENTS):
        yield replace(event, patients=event.patients[start : start + PATIENTS])


def of_record(record: Mapping[str, Any]) -> Prepared:
    """The row that says it."""
    patients = [patient_columns(p) for p in record.get("patients", ())]
    return Prepared(canonical(record), tuple(searched(record).values()), moment(record), patients)
