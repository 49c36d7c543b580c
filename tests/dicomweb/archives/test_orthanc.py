"""Orthanc's own ways, and what happens when it is slow, down, or started again."""

import asyncio
import io
import threading
import time
from pathlib import Path
from typing import ClassVar

import pytest

from dicomweb.archives.archive import ArchiveDownError, NotReplacedError, RefusedError
from dicomweb.archives.orthanc import Orthanc
from dicomweb.archives.orthanc.breaker import FAILURES, PAUSE, Breaker
from tests.dicomweb.archives.test_archive import all_changes
from tests.dicomweb.files import made
from tests.dicomweb.orthanc import client_of, impatient
from tests.dicomweb.proxy import wire_to
from tests.services.orthanc import OrthancServer
from tests.services.process import free_port


class Clock:
    """Time that passes when it is told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_study_is_not_stored_under_a_second_patient(orthanc: Orthanc) -> None:
    first = made(PatientID="ONE")
    place = await orthanc.store(first.address, first.file)
    second = made(PatientID="TWO", StudyInstanceUID=first.address.study)
    with pytest.raises(RefusedError, match="another PatientID"):
        await orthanc.store(second.address, second.file)
    again = made(PatientID="ONE", StudyInstanceUID=first.address.study)
    places = {place, await orthanc.store(again.address, again.file)}
    kept = {s.place async for s in orthanc.everything() if s.address.study == first.address.study}
    assert kept == places


async def test_an_orthanc_that_starts_again_goes_on_where_it_was_and_replaces_only_what_it_may(
    tmp_path: Path,
) -> None:
    server = OrthancServer(tmp_path, overwrite=False)
    archive, first, later = client_of(server), made(), made()
    study, series, instance = first.address
    other = made(StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID=instance, StationName="X")
    with server.run():
        place = await archive.store(first.address, first.file)
        _, position = await all_changes(archive)
    with pytest.raises(ArchiveDownError, match="Orthanc can't be reached"):
        await archive.changes(position)
    with server.run():
        assert await archive.store(first.address, first.file) == place
        with pytest.raises(NotReplacedError, match="isn't to be replaced"):
            await archive.store(other.address, other.file)
        with await archive.fetch(place) as kept:
            assert kept.read() == first.content
        await archive.store(later.address, later.file)
        found, _ = await all_changes(archive, position)
        assert [change.address for change in found] == [later.address]
    await archive.close()


async def test_changes_go_on_where_another_database_has_taken_the_place_of_the_one_of_before(
    orthanc: Orthanc,
) -> None:
    changes = await orthanc.changes("999999999")
    assert changes.found == []
    sent = made()
    await orthanc.store(sent.address, sent.file)
    found, _ = await all_changes(orthanc, changes.position)
    assert [change.address for change in found] == [sent.address]


async def test_wrong_credentials_are_said_to_be_wrong(orthanc_running: OrthancServer) -> None:
    archive, sent = client_of(orthanc_running, password="another"), made()
    for asked in (archive.alive(), archive.changes(""), archive.store(sent.address, sent.file)):
        with pytest.raises(ArchiveDownError, match="refuses ORTHANC_USERNAME"):
            await asked
    await archive.close()


async def test_what_answers_and_is_no_orthanc_is_an_archive_that_is_down(
    orthanc_running: OrthancServer,
) -> None:
    archive = client_of(orthanc_running, url=f"{orthanc_running.url}/elsewhere")
    with pytest.raises(ArchiveDownError, match="isn't Orthanc"):
        await archive.alive()
    await archive.close()


class _Watched(io.BytesIO):
    """A file that knows who read it."""

    readers: ClassVar[set[int]] = set()

    def read(self, size: int | None = -1) -> bytes:
        """Its bytes."""
        self.readers.add(threading.get_ident())
        return super().read(size)


async def test_files_are_compared_while_others_are_served(tmp_path: Path) -> None:
    server, sent = OrthancServer(tmp_path, overwrite=False), made()
    archive = client_of(server)
    with server.run():
        place = await archive.store(sent.address, sent.file)
        assert await archive.store(sent.address, _Watched(sent.content)) == place
    assert _Watched.readers - {threading.get_ident()}
    await archive.close()


async def test_an_orthanc_that_does_not_answer_is_waited_for_a_limited_time(
    orthanc_running: OrthancServer,
) -> None:
    async with wire_to(orthanc_running.port) as wire:
        archive, sent = impatient(wire.url, orthanc_running), made()
        place = await archive.store(sent.address, sent.file)
        wire.speaks.clear()
        began = time.monotonic()
        with pytest.raises(ArchiveDownError, match="doesn't answer: ReadTimeout"):
            await archive.fetch(place)
        assert time.monotonic() - began < 5
        wire.speaks.set()
        with await archive.fetch(place) as kept:
            assert kept.read() == sent.content
        await archive.close()


async def test_a_file_that_breaks_off_is_fetched_again_and_never_half(orthanc_running: OrthancServer) -> None:
    async with wire_to(orthanc_running.port) as wire:
        archive, sent = impatient(wire.url, orthanc_running), made()
        place = await archive.store(sent.address, sent.file)
        wire.cut_after, wire.cuts = 20_000, 1
        with await archive.fetch(place) as kept:
            assert kept.read() == sent.content
        wire.cuts = 2
        with pytest.raises(ArchiveDownError, match="broke off"):
            await archive.fetch(place)
        assert wire.cuts == 0
        await archive.close()


async def test_connections_that_were_closed_while_idle_are_made_anew(orthanc_running: OrthancServer) -> None:
    async with wire_to(orthanc_running.port) as wire:
        archive = impatient(wire.url, orthanc_running)
        for _ in range(2):
            await asyncio.gather(*(archive.alive() for _ in range(3)))
            await wire.close()
        assert wire.connections > 3
        await archive.close()


async def test_a_store_that_breaks_off_is_sent_again_and_stored_once(orthanc_running: OrthancServer) -> None:
    async with wire_to(orthanc_running.port) as wire:
        archive, sent = impatient(wire.url, orthanc_running), made()
        wire.cut_after, wire.cuts = 450, 1  # the study is looked up; the answer to the file is lost
        place = await archive.store(sent.address, sent.file)
        assert [s.place async for s in archive.everything() if s.address == sent.address] == [place]
        await archive.close()


async def test_who_is_down_is_not_waited_for_until_a_while_has_passed(orthanc_running: OrthancServer) -> None:
    clock = Clock()
    async with wire_to(free_port()) as wire:
        archive = impatient(wire.url, orthanc_running, Breaker(clock))
        for _ in range(FAILURES):
            with pytest.raises(ArchiveDownError, match="Orthanc"):
                await archive.alive()
        tried = wire.connections
        with pytest.raises(ArchiveDownError, match="archive is down") as down:
            await archive.alive()
        assert down.value.retry_after == 1
        assert wire.connections == tried
        clock.now += PAUSE
        wire.target = orthanc_running.port
        probes = await asyncio.gather(*(archive.alive() for _ in range(3)), return_exceptions=True)
        assert [type(p) for p in probes].count(ArchiveDownError) == 2
        await archive.alive()
        await archive.close()


async def test_what_answers_and_is_no_orthanc_is_said_to_be_none(orthanc_running: OrthancServer) -> None:
    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(page, "127.0.0.1", 0)
    archive = impatient(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", orthanc_running)
    with pytest.raises(ArchiveDownError, match="isn't Orthanc"):
        await archive.alive()
    await archive.close()
    server.close()
    await server.wait_closed()
