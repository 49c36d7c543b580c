"""Whether an archive answers is known without asking it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomweb.archives import watch as watching
from dicomweb.archives.watch import LASTS, Watch
from tests.dicomweb.archives.test_orthanc import Clock
from tests.dicomweb.embedded import archive_in
from tests.dicomweb.following.scene import until
from tests.dicomweb.orthanc import client_of, impatient
from tests.dicomweb.proxy import wire_to
from tests.services.orthanc import OrthancServer


async def test_it_is_seen_in_the_background_that_an_archive_goes_and_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watching, "PAUSE", 0.01)
    archive = archive_in(tmp_path)
    watch = Watch(archive)
    assert not watch.down
    watch.start()
    for name, other, down in (("archive", "away", True), ("away", "archive", False)):
        await archive.alive() if down else None
        (tmp_path / name).rename(tmp_path / other)

        async def seen(down: bool = down) -> bool:
            return watch.down == down

        await until(seen)
    await watch.stop()
    said = [r.getMessage() for r in caplog.records if r.name == "dicomweb.archives"]
    assert said == ["the imaging archive doesn't answer", "the imaging archive answers again"]
    await archive.close()


async def test_what_was_seen_long_ago_is_not_known(tmp_path: Path) -> None:
    archive, clock = archive_in(tmp_path), Clock()
    watch = Watch(archive, clock)
    assert await watch.look()
    (tmp_path / "archive").rename(tmp_path / "away")
    assert not await watch.look()
    clock.now += LASTS - 1
    known = [watch.down]
    clock.now += 1
    assert [*known, watch.down] == [True, False]
    await archive.close()


async def test_an_archive_that_hangs_is_down_and_is_asked_once_at_a_time(
    orthanc_running: OrthancServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "PATIENCE", 0.02)
    async with wire_to(orthanc_running.port) as wire:
        archive = impatient(wire.url, orthanc_running)
        watch = Watch(archive)
        wire.speaks.clear()
        assert [await watch.look() for _ in range(5)] == [False] * 5
        assert watch.down
        assert wire.connections == 1
        await watch.stop()
        await archive.close()


async def test_an_archive_that_lets_nobody_in_is_down(orthanc_running: OrthancServer) -> None:
    archive = client_of(orthanc_running, password="another")
    assert not await Watch(archive).look()
    await archive.close()
