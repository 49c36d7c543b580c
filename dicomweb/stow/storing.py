"""From received instances to stored ones: the archive first and durably, then index, RIS and event in one.

Who is killed in between leaves a file that the follower indexes; nothing is ever indexed that isn't kept.
What a caller may not know of (a hidden study, an instance in it) is answered as not theirs to store, and
why an instance waits in quarantine is told to who releases it, not to who sent it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import BinaryIO, TypeVar

from dicomweb.access import Settle, Viewer
from dicomweb.archives.archive import (
    Address,
    Archive,
    ArchiveDownError,
    NotReplacedError,
    NotThereError,
    RefusedError,
)
from dicomweb.http.faults import DicomFault
from dicomweb.index.entry import Entry
from dicomweb.index.reading import IndexedInstance
from dicomweb.intake import Intake
from dicomweb.ris.upkeep import Ris
from dicomweb.ris.whose import TWO_PATIENTS, is_known
from dicomweb.stow.earlier import Earlier, earlier
from dicomweb.stow.outcomes import (
    DUPLICATE,
    MISMATCH,
    NO_RESOURCES,
    NOT_AUTHORIZED,
    NOT_UNDERSTOOD,
    PROCESSING,
    Outcome,
)
from dicomweb.stow.request import Sent
from dicomweb.taking import Received
from mappers.database import Database
from mappers.keyring import UnopenableError
from mappers.transaction import DuplicateError, RetryError, Transaction, transaction
from mappers.write.faults import WriteFault

#: instances that are indexed in one transaction
TOGETHER = 50
TRIES, PAUSE = 6, 0.02
WAITS = "some instances are kept in quarantine until somebody has found out whose they are"
KEEPS = "the archive keeps the instances that it has: it is set to replace none"
NOWHERE = Address("")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Store:
    """What stores: `replace`: an instance that differs from the one of its UID takes its place."""

    archive: Archive
    database: Database
    intake: Intake
    ris: Ris
    replace: bool = False


@dataclass
class Storing:
    """One request's storing. `study`: the only one that it may store to, if its address names one.

    Each transaction owes the trail its record: `owed` settle that, of the studies that are `told` in it.
    """

    store: Store
    viewer: Viewer
    study: str = ""
    owed: list[Settle] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    _open: dict[tuple[str, str, str], bool] = field(default_factory=dict)
    _reasons: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _unmade: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _patients: dict[str, str] = field(default_factory=dict)

    async def all(self, sent: Sequence[Sent]) -> list[Outcome]:
        """What became of each; an archive that is down fails what it didn't take."""
        found = []
        for start in range(0, len(sent), TOGETHER):
            found += await self._some(sent[start : start + TOGETHER])
        return found

    async def _some(self, sent: Sequence[Sent]) -> list[Outcome]:
        outcomes, kept = dict[int, Outcome](), dict[int, Received]()
        before = await earlier(self.store.database, [one.entry for one in sent if one.entry])
        for number, one in enumerate(sent):
            outcome = await self._refused(one) or await self._kept(one, number, kept, before)
            if outcome is not None:
                outcomes[number] = outcome
        if kept:
            became = await self._indexed(list(kept.values()))
            outcomes |= dict(zip(kept, became, strict=True))
        return [outcomes[number] for number in range(len(sent))]

    async def _indexed(self, kept: Sequence[Received]) -> list[Outcome]:
        """What becomes of kept instances; where others were in the way, the follower indexes them later."""
        try:
            taken = await again(self.store.database, lambda t: self._taken(t, kept))
        except DicomFault:
            return [_of(received.entry, NO_RESOURCES) for received in kept]
        except WriteFault as fault:
            return await self._apart(kept, _ascii(fault.diagnostics))
        self.owed += [taken.settle] if taken.settle else []
        self.told |= taken.studies
        return [
            _of(received.entry, PROCESSING if reason else 0, WAITS if reason else "")
            for received, reason in zip(kept, taken.reasons, strict=True)
        ]

    async def _apart(self, kept: Sequence[Received], fault: str) -> list[Outcome]:
        """What becomes of each study's instances where one of the studies can have no row of the RIS."""
        studies = dict.fromkeys(received.entry.address.study for received in kept)
        if len(studies) == 1:
            return [_of(received.entry, PROCESSING, fault) for received in kept]
        became = dict[int, Outcome]()
        for study in studies:
            mine = {n: one for n, one in enumerate(kept) if one.entry.address.study == study}
            became |= dict(zip(mine, await self._indexed(list(mine.values())), strict=True))
        return [became[number] for number in range(len(kept))]

    async def _taken(self, t: Transaction, kept: Sequence[Received]) -> _Taken:
        reasons = await self.store.intake.take(t, kept)
        stored = {one.entry.address.study for one, reason in zip(kept, reasons, strict=True) if not reason}
        fresh = stored - self.told
        if not fresh and self.owed:
            return _Taken(reasons, fresh)
        return _Taken(reasons, fresh, await self.viewer.owe(t, sorted(fresh)))

    async def _kept(
        self, one: Sent, number: int, kept: dict[int, Received], before: Earlier
    ) -> Outcome | None:
        """Has an instance among those that are kept; its outcome if it isn't to be, or can't.

        Of two that are the same the second is kept with the first, and fares as that does.
        """
        assert one.entry is not None
        first = _of_uid(one.entry.address.instance, kept.values())
        if first is None:
            known = await self._known(one, one.entry, before)
            return known or await self._put(one, one.entry, number, kept, before)
        if first.digest != one.digest:
            return _of(one.entry, DUPLICATE)
        kept[number] = first
        return None

    async def _put(
        self, one: Sent, entry: Entry, number: int, kept: dict[int, Received], before: Earlier
    ) -> Outcome | None:
        """Puts an instance into the archive; its outcome if that fails.

        What nobody knew of a moment ago is not replaced: another request may have stored it meanwhile.
        """
        replace = self.store.replace or entry.address.instance in before.there
        try:
            place = await self.store.archive.store(entry.address, one.file, replace=replace)
        except ArchiveDownError:
            return _of(entry, NO_RESOURCES)
        except NotReplacedError:
            return _of(entry, DUPLICATE, KEEPS)
        except RefusedError:
            return _of(entry, NOT_UNDERSTOOD)
        kept[number] = Received(entry, place, one.digest)
        return None

    # what is refused before anything is kept

    async def _refused(self, one: Sent) -> Outcome | None:
        """The outcome of an instance that isn't to be stored, whatever is there; None for others."""
        entry = one.entry
        if entry is None:
            return Outcome(NOWHERE, failure=NOT_UNDERSTOOD, note=_ascii(one.fault))
        if one.fault:
            return _of(entry, NOT_UNDERSTOOD, _ascii(one.fault))
        if self.study and entry.address.study != self.study:
            return _of(entry, MISMATCH, "an instance is of another study than the address names")
        if not await self._opened(entry):
            unmade = self._unmade.get(_said(entry))
            return _of(entry, PROCESSING, unmade) if unmade else _of(entry, NOT_AUTHORIZED)
        patient = self._patients.get(entry.address.study, entry.patient_id)
        if patient != entry.patient_id or await self._reason(entry) == TWO_PATIENTS:
            return _of(entry, PROCESSING, "the instances of a study have one PatientID")
        self._patients[entry.address.study] = patient
        return None

    async def _opened(self, entry: Entry) -> bool:
        """Whether the caller may store to the study; of one that isn't there, to what it would be."""
        said = _said(entry)
        if said not in self._open:
            self._open[said] = await self._may(entry)
        return self._open[said]

    async def _may(self, entry: Entry) -> bool:
        study, database = entry.address.study, self.store.database
        if study in await self.viewer.visible([study], "store"):
            return True
        if await is_known(database, study):
            return False
        if await self._reason(entry):
            return True  # nobody's yet: it waits in quarantine
        return await self._would_be_seen(entry)

    async def _would_be_seen(self, entry: Entry) -> bool:
        """Asks of the row as it would be, and leaves nothing of it; False too where none can be made."""
        try:
            async with transaction(self.store.database) as t:
                made = await self.store.ris.expected(t, entry)
                raise _Undone(await self.viewer.may_store(t, entry.address.study, made=made))
        except _Undone as undone:
            return undone.answer
        except WriteFault as fault:
            self._unmade[_said(entry)] = _ascii(fault.diagnostics)
            return False

    async def _reason(self, entry: Entry) -> str:
        """Why an instance has to wait; asked once for all that say the same of their study. It is asked again
        when they are indexed, which decides.
        """
        said = _said(entry)
        if said not in self._reasons:
            reason = (await self.store.ris.whose(self.store.database, entry)).reason
            if reason == TWO_PATIENTS:  # which depends on the instance, too
                return reason
            self._reasons[said] = reason
        return self._reasons[said]

    async def _known(self, one: Sent, entry: Entry, before: Earlier) -> Outcome | None:
        """What was stored before: the same again is success, another one of that UID is refused.

        None for what is to be stored: also what the archive had, and has lost or damaged.
        """
        waiting, there = before.waiting.get(entry.address.instance), before.there.get(entry.address.instance)
        if waiting:
            return _of(entry, PROCESSING if one.digest in waiting else DUPLICATE, WAITS)
        if there is None:
            return None
        if there.address.study not in await self.viewer.visible([there.address.study], "store"):
            return _of(entry, NOT_AUTHORIZED)
        if there.address == entry.address:
            try:
                kept = await self._digest(there)
            except ArchiveDownError:
                return _of(entry, NO_RESOURCES)
            if kept == one.digest:
                return _of(entry)
            if self.store.replace or there.digest == one.digest:
                return None
        return _of(entry, DUPLICATE)

    async def _digest(self, there: IndexedInstance) -> str:
        """SHA-256 of what the archive has; '' if it has it no more, or only as what can't be opened."""
        try:
            with await self.store.archive.fetch(there.place) as file:
                return await asyncio.to_thread(_sha256, file)
        except (NotThereError, UnopenableError):
            return ""


@dataclass(frozen=True)
class _Taken:
    """What a transaction took in: why each waits, and which studies it owes the trail."""

    reasons: Sequence[str]
    studies: set[str]
    settle: Settle | None = None


class _Undone(Exception):
    """Rolls a transaction back, with what was found out in it."""

    def __init__(self, answer: bool) -> None:
        super().__init__("undone")
        self.answer = answer


def _sha256(file: BinaryIO) -> str:
    digest = sha256()
    for chunk in iter(lambda: file.read(1 << 20), b""):
        digest.update(chunk)
    return digest.hexdigest()


def _said(entry: Entry) -> tuple[str, str, str]:
    """What an instance says of whose its study is."""
    return entry.address.study, entry.patient_id, entry.accession_number


def _of(entry: Entry, failure: int = 0, note: str = "") -> Outcome:
    return Outcome(entry.address, str(entry.instance["sop_class"]), failure, note)


def _of_uid(instance: str, kept: Iterable[Received]) -> Received | None:
    """The one of a UID among those that are kept."""
    return next((received for received in kept if received.entry.address.instance == instance), None)


def _ascii(text: str) -> str:
    """A text as a header can hold it."""
    return text.encode("ascii", "replace").decode().replace('"', "'")


async def again(database: Database, work: Callable[[Transaction], Awaitable[Answer]]) -> Answer:
    """What the work answers in a transaction, done anew where others were in the way; raises 503."""
    for attempt in range(TRIES):
        try:
            async with transaction(database) as t:
                return await work(t)
        except (RetryError, DuplicateError):
            await asyncio.sleep(PAUSE * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
    raise DicomFault(503, "others write the same just now: send it again", {"retry-after": "1"})
