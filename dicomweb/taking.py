"""Instances that are taken in together: what is known of all of them is asked at once, not one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from dicomweb.index.entry import Entry
from dicomweb.index.reading import rows
from dicomweb.index.writing import Writer
from dicomweb.ris.whose import Told
from mappers.database import Rows
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_quarantine
from mappers.transaction import Transaction

INSTANCE, WAITING = fhir_dicom_instance.c, fhir_dicom_quarantine.c
#: of instances by their UIDs: places and digests of their files, and a third text
_Files = dict[str, list[tuple[str, str, str]]]


@dataclass(frozen=True)
class Received:
    """An instance that the archive keeps at `place`. `digest`: SHA-256 of its file."""

    entry: Entry
    place: str
    digest: str


@dataclass
class Taking:
    """What is known of them. The third text of those `indexed` is their study, of those `waiting` why."""

    writer: Writer
    indexed: _Files
    waiting: _Files
    _clear: set[Told] = field(default_factory=set)

    def known(self, one: Received) -> tuple[bool, str]:
        """Whether just that file was taken in before, and the reason why it waits if it does."""
        study, _, instance = one.entry.address
        if (one.place, one.digest, study) in self.indexed.get(instance, ()):
            return True, ""
        waiting = self.waiting.get(instance, ())
        found = [reason for place, digest, reason in waiting if (place, digest) == (one.place, one.digest)]
        return bool(found), found[0] if found else ""

    def waits(self, one: Received) -> bool:
        """Whether a file waits that is, or was, at its place."""
        return any(place == one.place for place, *_ in self.waiting.get(one.entry.address.instance, ()))

    def is_clear(self, entry: Entry) -> bool:
        """Whether one was taken in that says the same of its study: it is clear whose that is."""
        return _said(entry) in self._clear

    def taken(self, one: Received) -> None:
        """It is indexed now."""
        study, _, instance = one.entry.address
        self.indexed[instance] = [(one.place, one.digest, study)]
        self._leave(one)
        self._clear = {told for told in self._clear if told.study != study} | {_said(one.entry)}

    def refused(self, one: Received, reason: str) -> None:
        """It waits now."""
        self._leave(one)
        self.waiting.setdefault(one.entry.address.instance, []).append((one.place, one.digest, reason))

    def _leave(self, one: Received) -> None:
        instance = one.entry.address.instance
        self.waiting[instance] = [at for at in self.waiting.get(instance, ()) if at[0] != one.place]

    def forget(self) -> None:
        """Something was taken out of the index: what is in it is asked anew."""
        self.writer.forget()
        self.indexed.clear()
        self._clear.clear()


async def looked(t: Transaction, studies: set[str], received: Sequence[Received]) -> Taking:
    """What the index and the quarantine have of some instances, whose studies are locked."""
    writer = Writer(t, studies)
    await writer.whereabouts.look([one.entry.address for one in received])
    uids = sorted({one.entry.address.instance for one in received})
    indexed = select(INSTANCE.instance, INSTANCE.place, INSTANCE.digest, INSTANCE.study)
    waiting = select(WAITING.instance, WAITING.place, WAITING.digest, WAITING.reason)
    return Taking(
        writer,
        _by_instance(await rows(t, indexed.where(INSTANCE.instance.in_(uids)))),
        _by_instance(await rows(t, waiting.where(WAITING.instance.in_(uids)))),
    )


def _by_instance(found: Rows) -> _Files:
    told = defaultdict[str, list[tuple[str, str, str]]](list)
    for instance, place, digest, last in found:
        told[str(instance)].append((str(place), str(digest), str(last)))
    return dict(told)


def _said(entry: Entry) -> Told:
    """What an instance says of its study, whichever it is."""
    return Told.by(entry)._replace(instance="")
