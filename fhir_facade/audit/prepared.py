"""An event ready to be written: its record's text and what is searched of it; only its place is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from fhir_facade.audit.chain import Chain
from fhir_facade.audit.event import Event
from fhir_facade.audit.record import (
    Holder,
    Holders,
    Patient,
    canonical,
    columns,
    moment,
    patient_columns,
    searched,
    text,
)
from fhir_facade.audit.store import Row

#: patients that one row's AuditEvents are of; an access that showed more is several rows
PATIENTS = 5000
#: what a row of `fhir_audit_event` takes of a statement, in characters
EVENT_SIZE = 80


class Prepared(NamedTuple):
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


def prepared(event: Event, now: datetime, holders: Holders) -> list[Prepared]:
    """The rows of an event: one, unless it showed thousands of patients."""
    recorded, holder = now.isoformat(timespec="microseconds"), holders.of(event)
    if len(event.patients) <= PATIENTS:
        return [_prepared(event, recorded, holder)]
    return [_prepared(part, recorded, holder) for part in _parts(event)]


def _parts(event: Event) -> Iterator[Event]:
    for start in range(0, len(event.patients), PATIENTS):
        yield event._replace(patients=event.patients[start : start + PATIENTS])


def _prepared(event: Event, recorded: str, holder: Holder) -> Prepared:
    patients = [patient_columns(p) for p in event.patients]
    return Prepared(text(event, recorded, holder), columns(event, holder), moment(recorded), patients)


def of_record(record: Mapping[str, Any]) -> Prepared:
    """The row that says what a record does."""
    patients = [patient_columns(p) for p in record.get("patients", ())]
    columns = tuple(searched(record).values())
    return Prepared(canonical(record), columns, moment(record["recorded"]), patients)
