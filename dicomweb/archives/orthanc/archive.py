"""Orthanc as an archive: its instances' places are its own ids of them."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from dicomweb.archives.archive import (
    Address,
    ArchiveDownError,
    Change,
    Changes,
    NotReplacedError,
    NotThereError,
    RefusedError,
    Stored,
)
from dicomweb.archives.orthanc.connection import Connection

#: https://orthanc.uclouvain.be/book/faq/orthanc-ids.html
PLACE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")
#: bytes of a file that are kept in memory
IN_MEMORY = 4 * 1024 * 1024
#: instances whose UIDs are asked for at once
BATCH = 1000


class Orthanc:
    """An Orthanc of 1.9.4 or later."""

    name = "orthanc"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, place: str) -> BinaryIO:
        """The file as it was received; raises NotThereError."""
        file = cast(BinaryIO, SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115 (the caller closes it)
        try:
            await self._connection.download(f"/instances/{_checked(place)}/file", file)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file

    async def store(self, address: Address, file: BinaryIO, *, replace: bool = True) -> str:
        """Returns once Orthanc has it; raises RefusedError for what it can't read or mustn't replace, and
        for a study that it has of another patient: it would make a second one and serve neither.

        What isn't to `replace` what is there is refused before it is sent: two that come at the same moment
        only Orthanc's own setting (OverwriteInstances) keeps apart.
        """
        if not replace:
            await self._refuse_another(address.instance, file)
        studies = await self._ids("Study", address.study)
        answer = await self._connection.upload("/instances", file)
        place, status = str(answer.get("ID", "")), answer.get("Status")
        if status not in ("Success", "AlreadyStored"):
            raise RefusedError(f"Orthanc doesn't store it ({status})")
        if studies and answer["ParentStudy"] not in studies:
            await self.delete(place)  # there was none: its study came with it
            raise RefusedError("the study is there with another PatientID")
        if status == "AlreadyStored":
            await self._refuse_unlike(place, file)
        return place

    async def _refuse_another(self, instance: str, file: BinaryIO) -> None:
        for place in await self._ids("Instance", instance):
            with suppress(NotThereError):  # it went meanwhile
                await self._refuse_unlike(place, file)

    async def _refuse_unlike(self, place: str, file: BinaryIO) -> None:
        with await self.fetch(place) as kept:
            same = await asyncio.to_thread(lambda: _digest(file) == _digest(kept))
        if not same:
            raise NotReplacedError("another file with this SOPInstanceUID is there, and isn't to be replaced")

    async def delete(self, place: str) -> None:
        """Removes an instance."""
        with suppress(NotThereError):
            await self._connection.remove(f"/instances/{_checked(place)}")

    async def changes(self, position: str, limit: int = BATCH) -> Changes:
        """Instances that have come; what is gone, Orthanc doesn't tell.

        It doesn't know the position any more if its database is another now: its own is gone on from then,
        and what is missed by that the comparison finds.
        """
        page = await self._connection.read(
            "/changes", since=int(position) if position.isdecimal() else 0, limit=limit
        )
        come = [c["ID"] for c in page["Changes"] if c["ChangeType"] == "NewInstance"]
        found = [Change(stored.address, stored.place) for stored in await self._addressed(come)]
        return Changes(found, str(page["Last"]), bool(page["Done"]))

    async def everything(self) -> AsyncIterator[Stored]:
        """All instances that are there now; those that go meanwhile may be missing."""
        places = await self.places()
        for start in range(0, len(places), BATCH):
            for stored in await self._addressed(places[start : start + BATCH]):
                yield stored

    async def places(self) -> Sequence[str]:
        """All instances that are there now."""
        found: list[str] = await self._connection.read("/instances")
        return found

    async def alive(self) -> None:
        """Returns if Orthanc answers and lets us in."""
        try:
            await self._connection.read("/system")
        except (NotThereError, RefusedError):
            raise ArchiveDownError("what answers isn't Orthanc") from None

    async def close(self) -> None:
        """Closes all connections."""
        await self._connection.close()

    async def _ids(self, level: str, uid: str) -> list[str]:
        found = await self._connection.ask("/tools/lookup", uid)
        return [one["ID"] for one in found if one["Type"] == level]

    async def _addressed(self, places: Sequence[str]) -> list[Stored]:
        """The instances that are (still) there, in the same order."""
        if not places:
            return []
        levels = [await self._described(places, level) for level in ("Instance", "Series", "Study")]
        found = {place: _address(one, *levels[1:]) for place, one in levels[0].items()}
        addressed = ((found.get(place), place) for place in dict.fromkeys(places))
        return [Stored(address, place) for address, place in addressed if address]

    async def _described(self, places: Sequence[str], level: str) -> dict[str, Any]:
        """What Orthanc says of the instances, or of their series or studies, by its ids."""
        asked = {"Resources": list(places), "Level": level, "Metadata": False}
        return {one["ID"]: one for one in await self._connection.ask("/tools/bulk-content", asked)}


def _address(instance: Any, all_series: dict[str, Any], studies: dict[str, Any]) -> Address | None:
    """The UIDs; None for what went while it was asked for, or has none."""
    series = all_series.get(instance["ParentSeries"])
    study = studies.get(series["ParentStudy"]) if series else None
    if series is None or study is None:
        return None
    found = Address(
        study["MainDicomTags"].get("StudyInstanceUID", ""),
        series["MainDicomTags"].get("SeriesInstanceUID", ""),
        instance["MainDicomTags"].get("SOPInstanceUID", ""),
    )
    return found if all(found) else None


def _digest(file: BinaryIO) -> bytes:
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(IN_MEMORY):
        digest.update(piece)
    return digest.digest()


def _checked(place: str) -> str:
    if not PLACE.fullmatch(place):
        raise NotThereError(place)
    return place
