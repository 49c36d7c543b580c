"""An archive compared with the index, and its files with what they were when they were indexed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from sqlalchemy import select

from dicomweb.archives.archive import Address, Archive, Change
from dicomweb.following.reading import Reader
from dicomweb.following.rebuild import PAGE
from dicomweb.index.reading import rows
from mappers.database import Database
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_quarantine

INSTANCE, WAITING = fhir_dicom_instance.c, fhir_dicom_quarantine.c


@dataclass
class Compared:
    """What was found, by place. `looked`: how many of `there` files were read."""

    there: int = 0
    looked: int = 0
    #: files that are neither indexed nor in quarantine
    not_indexed: list[str] = field(default_factory=list)
    #: rows whose files are gone
    without_file: list[str] = field(default_factory=list)
    #: files that aren't what they were, or can't be read any more
    changed: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether nothing was found."""
        return not (self.not_indexed or self.without_file or self.changed)


async def check(archive: Archive, database: Database, *, read: bool) -> AsyncIterator[Compared]:
    """Compares what there is; `read`: each indexed file too, with the digest that it had. Yields as it goes.

    The index is read first: what comes or goes meanwhile may be named.
    """
    digests = {str(place): str(digest) for place, digest in await rows(database, _INDEXED)}
    waiting = {str(place) for (place,) in await rows(database, select(WAITING.place))}
    kept = [stored.place async for stored in archive.everything()]
    there = set(kept)
    found = Compared(len(kept))
    found.not_indexed = [place for place in kept if place not in digests and place not in waiting]
    found.without_file = [place for place in digests if place not in there]
    yield found
    reader, looked_at = Reader(archive), [place for place in kept if place in digests and read]
    for start in range(0, len(looked_at), PAGE):
        page = looked_at[start : start + PAGE]
        files = (await reader.read([Change(Address(""), place) for place in page])).received
        same = {one.place for one in files if digests[one.place] in ("", one.digest)}
        found.changed += [place for place in page if place not in same]
        found.looked += len(page)
        yield found


_INDEXED = select(INSTANCE.place, INSTANCE.digest)
