"""Whether the trail is as it was written: every row's seal, every chain's order, length and head."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from fhir_facade.audit.chain import SUFFIX, Head
from fhir_facade.audit.due import Due
from fhir_facade.audit.reading import Stored
from fhir_facade.audit.record import moment, patient_columns, searched
from fhir_facade.audit.seal import FIRST, Seals
from fhir_facade.audit.store import Row


@dataclass(frozen=True)
class Fault:
    """What is wrong: altered, inserted, removed, reordered, cut off, unanchored; where, and in words."""

    kind: str
    chain: str
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind:<10} chain {self.chain or '?'}, {self.where}: {self.text}"


@dataclass
class Progress:
    """How far one chain has been followed. `link` is None where the row before is gone."""

    last: int = 0
    link: str | None = FIRST
    gaps: list[tuple[int, int]] = field(default_factory=list)

    def fill(self, sequence: int) -> bool:
        """Takes a number out of the gaps; False if it was in none."""
        for place, (first, last) in enumerate(self.gaps):
            if first <= sequence <= last:
                left = [(first, sequence - 1), (sequence + 1, last)]
                self.gaps[place : place + 1] = [(a, b) for a, b in left if a <= b]
                return True
        return False


class Examination:
    """Goes through the rows once; `rows` and `chains` say how much it saw, `due` what is still to come."""

    def __init__(self, seals: Seals, heads: Iterable[Head], folder: Path) -> None:
        self.seals, self.folder = seals, folder
        self.heads = {head.chain: head for head in heads}
        self.chains: dict[str, Progress] = {}
        self.rows = self.due = 0

    def faults(self, rows: Iterable[Stored]) -> Iterator[Fault]:
        """Everything that is wrong, as it is found."""
        for row in rows:
            if row.values:
                self.rows += 1
                yield from self._row(row)
            else:
                yield Fault("inserted", "", f"row {row.id}", f"{len(row.events)} AuditEvents of no access")
        yield from self._ends()

    def promised(self, due: Iterable[tuple[Due, str]]) -> Iterator[Fault]:
        """What is due to the trail and isn't what was promised with a write."""
        for one, seal in due:
            self.due += 1
            if seal != self.seals.due(one.id, one.records):
                yield Fault("inserted", "", f"fhir_audit_due {one.id}", "it is not what was sealed")

    def _row(self, row: Stored) -> Iterator[Fault]:
        chain = self.chains.setdefault(row.chain, Progress())
        where = f"number {row.sequence} (row {row.id})"
        if row.seal == self.seals.row(row.chain, row.sequence, row.record):
            yield from self._genuine(row, chain, where)
        elif row.sequence == chain.last + 1:
            yield Fault("altered", row.chain, where, "the record is not what was sealed")
            chain.last, chain.link = row.sequence, row.link
        else:
            yield Fault(
                "inserted", row.chain, where, "no seal of ours fits it there, or its number was changed"
            )

    def _genuine(self, row: Stored, chain: Progress, where: str) -> Iterator[Fault]:
        """The record is ours; whether it is where it was, once, and what repeats it says the same."""
        late = row.sequence <= chain.last
        if late and not chain.fill(row.sequence):
            yield Fault("inserted", row.chain, where, "it is there twice")
            return
        yield from self._contents(row, where)
        if late:
            yield Fault("reordered", row.chain, where, "it stands after later ones")
        else:
            yield from self._place(row, chain, where)

    def _contents(self, row: Stored, where: str) -> Iterator[Fault]:
        """What repeats the record for searching must still say the same."""
        record = orjson.loads(row.record)
        changed = [name for name, value in searched(record).items() if row.values[name] != value]
        if changed:
            yield Fault("altered", row.chain, where, f"not what the record says: {', '.join(changed)}")
        patients = [patient_columns(p) for p in record.get("patients", ())]
        if row.events != Row((), moment(record["recorded"]), patients).events(row.id):
            yield Fault("altered", row.chain, where, "its AuditEvents are not those of the record")

    def _place(self, row: Stored, chain: Progress, where: str) -> Iterator[Fault]:
        """Its number follows the one before, and its link ties it to that row."""
        if row.sequence > chain.last + 1:
            chain.gaps.append((chain.last + 1, row.sequence - 1))
            chain.link = None
        if chain.link is not None and row.link != self.seals.link(chain.link, row.seal):
            yield Fault("altered", row.chain, where, "its link doesn't fit the row before")
        chain.last, chain.link = row.sequence, row.link
        head = self.heads.get(row.chain)
        if head and head.intact and head.sequence == row.sequence and head.link != row.link:
            yield Fault("altered", row.chain, where, "its link is not the one in the chain's head")

    def _ends(self) -> Iterator[Fault]:
        for name, chain in self.chains.items():
            for first, last in chain.gaps:
                yield Fault("removed", name, _numbers(first, last), "rows are missing")
            if name not in self.heads and not (self.folder / (name + SUFFIX)).exists():
                yield Fault("unanchored", name, f"to number {chain.last}", f"there is no {name}{SUFFIX}")
        for head in self.heads.values():
            yield from self._head(head, self.chains.get(head.chain))

    def _head(self, head: Head, chain: Progress | None) -> Iterator[Fault]:
        reached = chain.last if chain else 0
        if not head.intact:
            yield Fault("altered", head.chain, f"{head.chain}{SUFFIX}", "the head is not what was sealed")
        elif reached < head.sequence:
            text = "rows at its end are missing" if chain else "the whole chain is missing"
            yield Fault("cut off", head.chain, _numbers(reached + 1, head.sequence), text)


def _numbers(first: int, last: int) -> str:
    return f"number {first}" if first == last else f"numbers {first} to {last}"
