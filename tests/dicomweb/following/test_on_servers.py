"""Following on each database: what several workers do at once is done once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import delete

from dicomweb.following.position import LEASE, LeaseLostError, Position
from dicomweb.following.reading import Reader
from dicomweb.intake import Intake
from mappers.facade.imaging import fhir_dicom_position
from mappers.site import Site
from mappers.transaction import RetryError, transaction
from tests.dicomweb.embedded import archive_in
from tests.dicomweb.files import MR, Sent, made
from tests.dicomweb.following.scene import Scene, follow
from tests.facade.facade import Facade


@pytest_asyncio.fixture
async def scene(facade: Facade, tmp_path: Path) -> AsyncIterator[Scene]:
    """An embedded archive of the test's own; its rows are taken away in the end."""
    archive, database = archive_in(tmp_path), facade.service.engine.database
    found = await Scene.of(archive, database)
    yield found
    gone = [(stored.address, stored.place) async for stored in archive.everything()]
    async with transaction(database) as t:
        await Intake(Site(), replace(found.ward, failing={})).drop(t, gone)
        await t.execute(delete(fhir_dicom_position))
    await archive.close()


async def stored(scene: Scene) -> list[Sent]:
    """A study of three images, and another one."""
    first = made()
    study, series, _ = first.address
    sent = [first, *(made(StudyInstanceUID=study, SeriesInstanceUID=series) for _ in range(2)), made(MR)]
    for one in sent:
        await scene.store(one)
    return sent


async def test_of_workers_that_start_together_one_follows(scene: Scene) -> None:
    sent, workers = await stored(scene), [scene.follower() for _ in range(4)]
    await asyncio.gather(*(worker.follow() for worker in workers))
    await asyncio.gather(*(worker.follow() for worker in workers))
    assert [await scene.indexed(one) is not None for one in sent] == [True] * 4
    assert sorted(scene.ward.placed_studies) == sorted({one.address.study for one in sent})


async def test_what_is_taken_in_twice_at_once_is_placed_once(scene: Scene) -> None:
    sent = await stored(scene)
    page = await scene.archive.changes("")
    received = (await Reader(scene.archive).read(page.found)).received

    async def taken() -> None:
        async with transaction(scene.database) as t:
            assert await Intake(Site(), scene.ward).take(t, received) == [""] * 4

    await asyncio.gather(taken(), taken(), taken())
    assert sorted(scene.ward.placed_studies) == sorted({one.address.study for one in sent})


async def test_rows_and_position_are_there_together_or_not_at_all(scene: Scene) -> None:
    before, sent = await scene.position(), await stored(scene)
    scene.ward.failing[sent[-1].address.study] = RetryError("another is at it")
    follower = scene.follower()
    with pytest.raises(RetryError):
        await follower.follow()
    assert [await scene.indexed(one) for one in sent] == [None] * 4
    assert await scene.position() == before
    scene.ward.failing.clear()
    await follow(follower)
    assert [await scene.indexed(one) is not None for one in sent] == [True] * 4


async def test_who_was_silent_too_long_moves_nothing(scene: Scene) -> None:
    one, other = (Position(scene.database, scene.archive.name, scene.clock) for _ in range(2))
    before = await one.take()
    assert before == ""
    assert await other.take() is None
    scene.clock.now += LEASE + 1
    assert await other.take() == before
    with pytest.raises(LeaseLostError):
        async with transaction(scene.database) as t:
            await one.advance(t, before, "7")
    assert await one.take() is None
    async with transaction(scene.database) as t:
        await other.advance(t, before, "8")
    await other.release()
    assert await one.take() == "8"
