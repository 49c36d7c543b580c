"""The embedded archive's own ways: what is on its disk, who can read it, and what a killed server leaves."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import random
import shutil
import signal
import stat
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from dicomweb.archives.archive import ArchiveDownError, RefusedError
from dicomweb.archives.embedded import EmbeddedArchive
from mappers.at_rest import AtRest
from mappers.keyring import UnopenableError
from tests.dicomweb.archives.test_archive import all_changes
from tests.dicomweb.embedded import archive_in, at_rest_in
from tests.dicomweb.files import Sent, made

NAME = b"Secret^Patient"


@pytest_asyncio.fixture
async def sealing(tmp_path: Path) -> AsyncIterator[EmbeddedArchive]:
    """An archive of the test's own, with keys."""
    archive = archive_in(tmp_path)
    yield archive
    await archive.close()


def on_disk(archive: EmbeddedArchive, place: str) -> Path:
    """Where a file lies."""
    return archive.folder / "files" / place[:2] / place[2:4] / place


async def test_files_lie_under_hashes_of_their_addresses_for_the_owner_alone(
    sealing: EmbeddedArchive,
) -> None:
    sent = made()
    place = await sealing.store(sent.address, sent.file)
    assert place == hashlib.sha256("/".join(sent.address).encode()).hexdigest()
    path = on_disk(sealing, place)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(sealing.folder.stat().st_mode) == 0o700
    names = "".join(p.name for p in sealing.folder.rglob("*"))
    assert not [uid for uid in sent.address if uid in names]


@pytest.mark.parametrize("uid", ["../../../tmp/x", "/etc/passwd", "1.2/3", "1.2\0", "", "1." + "2" * 70])
async def test_what_is_no_uid_makes_no_file(sealing: EmbeddedArchive, uid: str) -> None:
    sent = made()
    for address in (sent.address._replace(study=uid), sent.address._replace(instance=uid)):
        with pytest.raises(RefusedError, match="UIDs"):
            await sealing.store(address, sent.file)
    assert not [p for p in sealing.folder.rglob("*") if p.is_file() and "journal" not in p.name]


async def test_where_there_are_keys_nothing_is_to_be_read_on_the_disk(sealing: EmbeddedArchive) -> None:
    sent = made(PatientName=NAME.decode())
    assert NAME in sent.content
    place = await sealing.store(sent.address, sent.file)
    sealed = on_disk(sealing, place).read_bytes()
    assert NAME not in sealed
    assert b"DICM" not in sealed
    with await sealing.fetch(place) as file:
        assert file.read() == sent.content


async def test_files_from_before_there_were_keys_are_read_and_new_ones_sealed(tmp_path: Path) -> None:
    plain = archive_in(tmp_path, AtRest())
    before, after = made(PatientName=NAME.decode()), made(PatientName=NAME.decode())
    place = await plain.store(before.address, before.file)
    assert on_disk(plain, place).read_bytes() == before.content
    await plain.close()
    sealing = archive_in(tmp_path)
    second = await sealing.store(after.address, after.file)
    assert NAME not in on_disk(sealing, second).read_bytes()
    for sent, where in ((before, place), (after, second)):
        with await sealing.fetch(where) as file:
            assert file.read() == sent.content
    await sealing.close()


async def test_a_sealed_file_is_read_from_anywhere_as_a_plain_one(sealing: EmbeddedArchive) -> None:
    sent = made(PixelData=random.Random(1).randbytes(300_000), Rows=500, Columns=300)
    plain = io.BytesIO(sent.content)
    with await sealing.fetch(await sealing.store(sent.address, sent.file)) as file:
        for _ in range(200):
            at, size = random.randrange(len(sent.content) + 1000), random.randrange(100_000)
            assert file.seek(at) == plain.seek(at)
            assert file.read(size) == plain.read(size)
            assert file.tell() == plain.tell()
        assert file.seek(-10, io.SEEK_END) == plain.seek(-10, io.SEEK_END)
        assert file.read() == plain.read()


async def test_a_file_that_was_moved_changed_or_cut_is_not_opened(sealing: EmbeddedArchive) -> None:
    one, other = made(PixelData=bytes(200_000), Rows=500, Columns=200), made()
    places = [await sealing.store(sent.address, sent.file) for sent in (one, other)]
    path = on_disk(sealing, places[0])
    whole = path.read_bytes()
    for damaged in (whole[:-100_000], whole[:100], on_disk(sealing, places[1]).read_bytes()):
        path.write_bytes(damaged)
        with pytest.raises(UnopenableError):
            await sealing.fetch(places[0])
    path.write_bytes(whole[:100_000] + b"\0\0" + whole[100_002:])
    with await sealing.fetch(places[0]) as file:
        assert file.read(1000) == one.content[:1000]
        with pytest.raises(UnopenableError):
            file.read()


async def test_stores_of_one_instance_at_once_leave_one_of_them_whole(sealing: EmbeddedArchive) -> None:
    first = made()
    study, series, instance = first.address
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
    many = [made(ImageComments=f"version {n}" * n, **uids) for n in range(1, 9)]
    places = await asyncio.gather(*(sealing.store(sent.address, sent.file) for sent in many))
    assert len(set(places)) == 1
    with await sealing.fetch(places[0]) as file:
        assert file.read() in [sent.content for sent in many]
    assert [change.address for change in (await sealing.changes("")).found] == [first.address]


async def test_two_servers_over_one_folder_tell_of_each_others_files(tmp_path: Path) -> None:
    servers = [archive_in(tmp_path, at_rest_in(tmp_path)) for _ in range(2)]
    sent = [made() for _ in range(6)]
    await asyncio.gather(*(servers[n % 2].store(one.address, one.file) for n, one in enumerate(sent)))
    for server in servers:
        found, _ = await all_changes(server, limit=4)
        assert {change.address for change in found} == {one.address for one in sent}
        await server.close()


async def test_without_its_journal_an_archive_still_knows_all_its_files(tmp_path: Path) -> None:
    archive, sent = archive_in(tmp_path), [made(), made()]
    places = {one.address: await archive.store(one.address, one.file) for one in sent}
    position = (await archive.changes("")).position
    await archive.close()
    (tmp_path / "archive" / "journal.db").unlink()
    again = archive_in(tmp_path, at_rest_in(tmp_path))
    assert {stored.address: stored.place async for stored in again.everything()} == places
    later = made()
    await again.store(later.address, later.file)
    found = await again.changes(position)
    assert later.address in [change.address for change in found.found]  # numbers are not given out twice
    await again.delete(places[sent[0].address])
    assert [s.address async for s in again.everything() if s.address in places] == [sent[1].address]
    await again.close()


async def test_a_folder_that_is_gone_is_an_archive_that_is_down_and_not_an_empty_one(tmp_path: Path) -> None:
    archive, sent = archive_in(tmp_path), made()
    place = await archive.store(sent.address, sent.file)
    shutil.move(archive.folder / "incoming", tmp_path / "away")
    with pytest.raises(ArchiveDownError):
        await archive.store(sent.address, sent.file)
    with await archive.fetch(place) as file:
        assert file.read() == sent.content  # what was there is whole
    shutil.move(archive.folder / "files", tmp_path / "files-away")
    with pytest.raises(ArchiveDownError):
        await archive.alive()
    with pytest.raises(ArchiveDownError):
        await archive.fetch(place)
    with pytest.raises(ArchiveDownError):
        assert [stored async for stored in archive.everything()]
    await archive.close()


#: a server that is killed four times over: with a file received, begun, in its place, and being deleted
KILLED = """
import os, signal, sys
from pathlib import Path
from dicomweb.archives.embedded.files import Files, name_of
from dicomweb.archives.embedded.journal import Journal
from dicomweb.index.entry import entry_of
from mappers.at_rest import AtRest

folder = Path(sys.argv[1])
files, journal = Files(folder, AtRest()), Journal(folder / "journal.db")
for step, path in enumerate(sys.argv[2:]):
    with open(path, "rb") as file:
        address = entry_of(file).address
        name = name_of(address)
        if step < 3:
            fresh = files.receive(file, name)
        if step > 0:
            journal.begin(name, address)
        if step == 2:
            files.place(fresh, name)
        if step == 3:
            files.remove(name)
os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_a_killed_server_leaves_no_half_file_and_tells_of_every_whole_one(tmp_path: Path) -> None:
    at_rest, sent = AtRest(), [made() for _ in range(4)]
    before = archive_in(tmp_path, at_rest)
    await before.store(sent[3].address, sent[3].file)
    position = (await before.changes("")).position
    await before.close()
    paths = [_written(tmp_path / f"{n}.dcm", one) for n, one in enumerate(sent)]
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, str(before.folder), *paths)
    assert await killed.wait() == -signal.SIGKILL

    soon = EmbeddedArchive(before.folder, at_rest)
    assert (await soon.changes(position)).found == []  # they might be under way
    await soon.close()
    later = EmbeddedArchive(before.folder, at_rest, clock=lambda: time.time() + 100)
    await later.alive()
    away = (before.folder / "files").rename(tmp_path / "away")
    with pytest.raises(ArchiveDownError):
        await later.changes(position)  # a disk that isn't there has not lost its files
    away.rename(before.folder / "files")
    told = {c.address: c.gone for c in (await later.changes(position)).found}
    assert told == {sent[1].address: True, sent[2].address: False, sent[3].address: True}
    assert [stored.address async for stored in later.everything()] == [sent[2].address]
    with await later.fetch(hashlib.sha256("/".join(sent[2].address).encode()).hexdigest()) as file:
        assert file.read() == sent[2].content
    for one in sent:  # and all of them can be stored again
        await later.store(one.address, one.file)
    assert len([s async for s in later.everything()]) == 4
    await later.close()


def _written(path: Path, sent: Sent) -> str:
    path.write_bytes(sent.content)
    return str(path)


async def test_what_was_left_half_long_ago_is_removed(tmp_path: Path) -> None:
    incoming = tmp_path / "archive" / "incoming"
    incoming.mkdir(parents=True)
    (incoming / "fresh").write_bytes(b"under way")
    (incoming / "old").write_bytes(b"half")
    os.utime(incoming / "old", (0, 0))
    archive = archive_in(tmp_path)
    await archive.alive()
    assert [p.name for p in incoming.iterdir()] == ["fresh"]
    await archive.close()
