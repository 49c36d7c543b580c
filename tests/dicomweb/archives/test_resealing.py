"""Files of the embedded archive, sealed anew under the newest key while they are served."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from dicomweb.archives.archive import NotThereError
from dicomweb.archives.embedded import resealing
from dicomweb.archives.embedded.files import Files
from dicomweb.archives.embedded.resealing import keys_of, resealed
from fhir_facade.encryption import at_rest_of, key_file
from fhir_facade.encryption_commands import reseal, status
from fhir_facade.imaging.archives import archive_of
from mappers.at_rest import AtRest
from mappers.key_file import KeyFile
from mappers.keyring import Keyring
from tests.dicomweb.archives.test_archive import all_changes
from tests.dicomweb.embedded import archive_in
from tests.dicomweb.files import MR, made
from tests.facade.facade import settings_of


class Kept:
    """An archive of some files: one in clear, the others under a key; and a newer key."""

    def __init__(self, folder: Path) -> None:
        self.keys = KeyFile(folder / "test.keys")
        self.keys.create()
        self.at_rest = AtRest(Keyring(self.keys))
        self.clear, self.archive = archive_in(folder, AtRest()), archive_in(folder, self.at_rest)
        self.files = Files(folder / "archive", self.at_rest)
        large = made(PixelData=bytes(200_000), Rows=500, Columns=200)
        self.sent = [made(), made(MR), large, made()]
        self.places = list[str]()

    async def fill(self) -> None:
        """Stores the files, and rotates."""
        for number, one in enumerate(self.sent):
            archive = self.archive if number else self.clear
            self.places.append(await archive.store(one.address, one.file))
        self.newest = self.keys.rotate(datetime.now(UTC)).id
        self.at_rest = AtRest(Keyring(self.keys))
        self.files = Files(self.archive.folder, self.at_rest)

    async def content(self, place: str) -> bytes:
        """What is served."""
        with await self.archive.fetch(place) as file:
            return file.read()


@pytest_asyncio.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    """Files that are all to be sealed anew."""
    found = Kept(tmp_path)
    await found.fill()
    yield found
    for archive in (found.clear, found.archive):
        await archive.close()


async def test_every_file_is_under_the_newest_key_and_says_what_it_said(kept: Kept) -> None:
    order, (changes, position) = await kept.archive.places(), await all_changes(kept.archive)
    assert kept.newest not in keys_of(kept.files)
    assert keys_of(kept.files)[""] == 1
    *_, progress = resealed(kept.files)
    assert (progress.there, progress.looked, progress.sealed, progress.unopenable) == (4, 4, 4, {})
    assert keys_of(kept.files) == {kept.newest: 4}
    assert [await kept.content(place) for place in kept.places] == [one.content for one in kept.sent]
    assert await kept.archive.places() == order
    assert await all_changes(kept.archive) == (changes, position)
    *_, again = resealed(kept.files)
    assert (again.looked, again.sealed) == (4, 0)
    assert not list((kept.archive.folder / "incoming").iterdir())


async def test_interrupted_it_goes_on_with_what_is_left(kept: Kept) -> None:
    first = resealed(kept.files)
    assert [next(first).sealed for _ in range(2)] == [1, 2]
    first.close()
    assert keys_of(kept.files)[kept.newest] == 2
    *_, progress = resealed(kept.files)
    assert (progress.looked, progress.sealed) == (4, 2)
    assert keys_of(kept.files) == {kept.newest: 4}


def meanwhile(monkeypatch: pytest.MonkeyPatch, doing: Callable[[], object]) -> None:
    """Does something between the sealing of a file and its taking the other's place."""
    place = resealing._placed

    def placed(*given: object) -> bool:
        doing()
        return place(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(resealing, "_placed", placed)


async def test_what_comes_meanwhile_stays_and_what_goes_is_gone(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, series, instance = kept.sent[0].address
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
    other, (replaced, removed, *_) = made(StationName="NEW", **uids), kept.places

    others = archive_in(kept.archive.folder.parent, kept.at_rest)

    def others_do() -> None:
        asyncio.run(others.store(other.address, other.file))
        asyncio.run(others.delete(removed))

    meanwhile(monkeypatch, others_do)
    progress = await asyncio.to_thread(lambda: list(resealed(kept.files))[-1])
    await others.close()
    assert progress.unopenable == {}
    assert await kept.content(replaced) == other.content
    with pytest.raises(NotThereError):
        await kept.archive.fetch(removed)
    assert keys_of(kept.files) == {kept.newest: 3}
    assert not list((kept.archive.folder / "incoming").iterdir())


async def test_what_can_not_be_opened_is_named_and_left_and_the_others_are_done(kept: Kept) -> None:
    damaged = kept.places[2]
    path = kept.files.path(damaged)
    content = path.read_bytes()
    path.write_bytes(content[:100_000] + b"\0\0" + content[100_002:])
    *_, progress = resealed(kept.files)
    assert (progress.looked, progress.sealed, list(progress.unopenable)) == (4, 3, [damaged])
    assert path.read_bytes()[100_000:100_002] == b"\0\0"
    assert keys_of(kept.files)[kept.newest] == 3


async def test_the_command_seals_the_archive_and_status_tells_its_keys(
    hospital: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_of(hospital)
    key_file(settings).create()
    archive, one = archive_of(settings, at_rest_of(settings)), made()
    place = await archive.store(one.address, one.file)
    newest = key_file(settings).rotate(datetime.now(UTC)).id
    capsys.readouterr()
    assert await asyncio.to_thread(reseal, settings, Namespace(batch=500)) == 0
    assert "imaging archive: 1 of 1 files sealed anew, 0 can't be opened\n" in capsys.readouterr().out
    assert await asyncio.to_thread(status, settings, Namespace()) == 0
    assert f"imaging archive: 1 under {newest}\n" in capsys.readouterr().out
    with await archive.fetch(place) as file:
        assert file.read() == one.content
    await archive.close()
