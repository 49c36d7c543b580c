"""What was stored earlier under the UIDs of instances that come now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import select

from dicomweb.index.entry import Entry
from dicomweb.index.reading import IndexedInstance, instances_of, rows
from mappers.database import Database
from mappers.facade.imaging import fhir_dicom_quarantine

WAITING = fhir_dicom_quarantine.c


class Earlier(NamedTuple):
    """By SOPInstanceUID: digests of what waits in quarantine, and what the index has."""

    waiting: Mapping[str, Sequence[str]]
    there: Mapping[str, IndexedInstance]


async def earlier(database: Database, entries: Sequence[Entry]) -> Earlier:
    """Of all of them, in one statement each."""
    uids = sorted({entry.address.instance for entry in entries})
    if not uids:
        return Earlier({}, {})
    waiting = defaultdict[str, list[str]](list)
    asked = select(WAITING.instance, WAITING.digest).where(WAITING.instance.in_(uids))
    for instance, digest in await rows(database, asked):
        waiting[str(instance)].append(str(digest))
    return Earlier(waiting, {found.address.instance: found for found in await instances_of(database, uids)})
