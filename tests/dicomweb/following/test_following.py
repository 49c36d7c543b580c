"""What an archive receives or loses by itself shows in the index: once, whole, in spite of outages."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from pydicom import config

from dicomweb.archives.archive import ArchiveDownError
from dicomweb.archives.orthanc import Orthanc
from dicomweb.following.position import LEASE, LeaseLostError, Position
from dicomweb.following.reading import MOST_TRIES
from mappers.database import Database, SourceDownError
from mappers.demo.embedded import CDSS_FILE
from mappers.transaction import RetryError
from tests.dicomweb.embedded import archive_in
from tests.dicomweb.files import MR, made
from tests.dicomweb.following.scene import Scene, follow, until
from tests.dicomweb.orthanc import impatient
from tests.dicomweb.proxy import wire_to
from tests.services.orthanc import OrthancServer


async def test_what_an_archive_received_itself_is_in_the_index_soon(scene: Scene) -> None:
    follower = scene.follower()
    follower.start()
    sent = made(PatientID="P1")
    place = await scene.store(sent)

    async def indexed() -> bool:
        return await scene.indexed(sent) is not None

    await until(indexed)
    found = await scene.indexed(sent)
    await follower.stop()
    assert found is not None
    assert (found.place, found.size) == (place, len(sent.content))
    assert found.digest == hashlib.sha256(sent.content).hexdigest()
    # what else was in the archive, the comparison at the start brings in beside it
    assert scene.ward.placed_studies.count(sent.address.study) == 1


async def test_a_file_that_could_not_be_read_is_read_when_another_has_taken_its_place(
    tmp_path: Path, database: Database
) -> None:
    archive = archive_in(tmp_path)
    scene, sent = await Scene.of(archive, database), made()
    place, follower = await scene.store(sent), scene.follower()
    path = archive.folder / "files" / place[:2] / place[2:4] / place
    path.write_bytes(b"damaged")
    await follow(follower)
    assert await scene.indexed(sent) is None
    await scene.store(sent)
    await follow(follower)
    assert await scene.indexed(sent) is not None
    await archive.close()


async def test_a_study_is_placed_once_for_all_its_instances_that_came(scene: Scene) -> None:
    first = made()
    study, series, _ = first.address
    more = [made(StudyInstanceUID=study, SeriesInstanceUID=series) for _ in range(6)]
    other = made(MR)
    for sent in (first, *more, other):
        await scene.store(sent)
    await follow(scene.follower())
    assert [await scene.indexed(sent) is not None for sent in (first, *more, other)] == [True] * 8
    assert scene.ward.placed_studies == [study, other.address.study]


async def test_what_is_known_already_changes_nothing_when_it_is_seen_again(scene: Scene) -> None:
    before, sent = await scene.position(), made()
    await scene.store(sent)
    follower = scene.follower()
    await follow(follower)
    after = await scene.position()
    assert after != before
    await scene.rewind(before)
    await follow(follower)
    assert await scene.position() == after
    assert scene.ward.placed_studies == [sent.address.study]


async def test_a_file_that_was_replaced_is_indexed_as_it_is_now(scene: Scene) -> None:
    first = made(StudyDescription="first")
    study, series, instance = first.address
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
    second = made(StudyDescription="second", **uids)
    follower = scene.follower()
    for sent in (first, second):
        await scene.store(sent)
        await follow(follower)
    found = await scene.indexed(second)
    assert found is not None
    assert found.digest == hashlib.sha256(second.content).hexdigest()
    assert scene.ward.placed_studies == [study, study]


async def test_what_came_and_went_is_not_indexed(scene: Scene) -> None:
    gone, stays = made(), made()
    await scene.archive.delete(await scene.store(gone))
    await scene.store(stays)
    await follow(scene.follower())
    assert await scene.studies() == {stays.address.study}


async def test_of_two_workers_one_follows_and_the_other_takes_over(scene: Scene) -> None:
    one, other = scene.follower(), scene.follower()
    await follow(one)
    sent = [made(), made(), made()]
    await scene.store(sent[0])
    await other.follow()
    assert await scene.studies() == set()
    await one.follow()
    assert await scene.indexed(sent[0]) is not None
    await one.stop()
    await scene.store(sent[1])
    await follow(other)
    assert await scene.indexed(sent[1]) is not None
    scene.clock.now += LEASE + 1  # `other` was killed
    await scene.store(sent[2])
    await follow(one)
    assert await scene.indexed(sent[2]) is not None
    assert scene.ward.placed_studies == [each.address.study for each in sent]


async def test_a_worker_that_was_taken_for_dead_writes_nothing_any_more(scene: Scene) -> None:
    late, sent = scene.follower(), made()
    await follow(late)
    position = await scene.position()
    await scene.store(sent)
    scene.clock.now += LEASE + 1
    assert await Position(scene.database, scene.archive.name, scene.clock).take() == position
    with pytest.raises(LeaseLostError):
        await late.compare()
    assert await late.follow() > 0
    assert await scene.studies() == set()
    assert await scene.position() == position


async def test_a_page_is_written_with_its_position_or_not_at_all(scene: Scene) -> None:
    before, sent, other = await scene.position(), made(), made()
    for each in (sent, other):
        await scene.store(each)
    scene.ward.failing[other.address.study] = RetryError("another is at it")
    follower = scene.follower()
    with pytest.raises(RetryError):
        await follower.follow()
    assert await scene.studies() == set()
    assert await scene.position() == before
    scene.ward.failing.clear()
    await follow(follower)
    assert await scene.studies() == {sent.address.study, other.address.study}


async def test_one_instance_that_cannot_be_written_keeps_no_other_from_it(scene: Scene) -> None:
    bad, good = made(), made()
    for each in (bad, good):
        await scene.store(each)
    scene.ward.failing[bad.address.study] = ValueError("never")
    await follow(scene.follower())
    assert await scene.studies() == {good.address.study}


async def test_whose_nobody_knows_waits_in_quarantine_until_a_file_says_it(scene: Scene) -> None:
    scene.ward.unknown.add("?")
    unknown = made(AccessionNumber="?")
    study, series, instance = unknown.address
    uids = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
    known = made(AccessionNumber="A1", **uids)
    follower, before = scene.follower(), await scene.position()
    for sent, studies in ((unknown, set[str]()), (known, {study}), (unknown, set[str]())):
        await scene.store(sent)
        await follow(follower)
        assert await scene.studies() == studies
        assert await scene.waiting() == ([] if studies else [(instance, "unknown-patient")])
    await scene.rewind(before)
    await follow(follower)
    await follower.compare()
    assert await scene.waiting() == [(instance, "unknown-patient")]
    assert study not in await scene.studies()


async def test_what_waited_for_its_patient_is_indexed_once_they_are_known(scene: Scene) -> None:
    scene.ward.unknown.update({"A", "B"})
    sent, other, follower = (
        [made(AccessionNumber="A") for _ in range(2)],
        made(AccessionNumber="B"),
        scene.follower(),
    )
    for one in (*sent, other):
        await scene.store(one)
    await follow(follower)
    await follower.release()
    assert len(await scene.waiting()) == 3
    assert scene.ward.placed_studies == []
    scene.ward.unknown.remove("A")
    await follower.release()
    assert await scene.waiting() == [(other.address.instance, "unknown-patient")]
    assert await scene.studies() == {one.address.study for one in sent}
    assert sorted(scene.ward.placed_studies) == sorted(one.address.study for one in sent)


async def test_the_comparison_finds_what_is_gone_and_what_was_missed(scene: Scene) -> None:
    follower, kept, gone, missed = scene.follower(), made(), made(), made()
    await scene.store(kept)
    place = await scene.store(gone)
    await follow(follower)
    await scene.archive.delete(place)
    await scene.store(missed)
    await follower.compare()
    studies = await scene.studies()
    assert {kept.address.study, missed.address.study} <= studies
    assert gone.address.study not in studies
    placed = len(scene.ward.placed_studies)
    await follow(follower)
    await follower.compare()
    assert await scene.studies() == studies
    assert len(scene.ward.placed_studies) == placed


async def test_what_comes_while_both_are_compared_is_not_taken_for_gone(scene: Scene) -> None:
    follower, sent = scene.follower(), [made() for _ in range(3)]
    await follow(follower)
    storing = asyncio.gather(*(scene.store(one) for one in sent))
    await follower.compare()
    await storing
    await follow(follower)
    await follower.compare()
    assert {one.address.study for one in sent} <= await scene.studies()


async def test_an_archive_that_was_away_is_followed_from_where_it_was(
    orthanc_running: OrthancServer, database: Database
) -> None:
    async with wire_to(orthanc_running.port) as wire:
        scene = await Scene.of(impatient(wire.url, orthanc_running), database)
        follower, sent = scene.follower(), made()
        await scene.store(sent)
        position = await scene.position()
        wire.speaks.clear()
        with pytest.raises(ArchiveDownError):
            await follower.follow()
        assert await scene.position() == position
        wire.speaks.set()
        await follow(follower)
        assert await scene.indexed(sent) is not None
        await scene.archive.close()


async def test_following_goes_on_by_itself_when_an_archive_is_back(
    orthanc_running: OrthancServer,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("dicomweb.following.follower.LOOK", 0.02)
    async with wire_to(orthanc_running.port) as wire:
        scene = await Scene.of(impatient(wire.url, orthanc_running), database)
        follower, sent = scene.follower(), made(PatientName="Hidden^Name")
        await scene.store(sent)
        wire.speaks.clear()
        follower.start()

        async def told() -> bool:
            return bool(caplog.records)

        await until(told)
        assert await scene.studies() == set()
        wire.speaks.set()

        async def indexed() -> bool:
            return await scene.indexed(sent) is not None

        await until(indexed)
        await follower.stop()
        await scene.archive.close()
    assert "can't be followed just now: ArchiveDownError Orthanc doesn't answer" in caplog.text
    assert "Hidden" not in caplog.text


async def test_a_file_that_its_archive_cannot_give_keeps_no_other_from_the_index(
    orthanc_running: OrthancServer, database: Database
) -> None:
    async with wire_to(orthanc_running.port) as wire:
        scene = await Scene.of(impatient(wire.url, orthanc_running), database)
        follower, small, large = scene.follower(), made(MR), made()
        for sent in (large, small):
            await scene.store(sent)
        wire.cut_after, wire.cuts = 20_000, 1000  # the larger one never comes through
        for _ in range(MOST_TRIES - 1):
            with pytest.raises(ArchiveDownError):
                await follower.follow()
        await follow(follower)
        assert await scene.studies() == {small.address.study}
        wire.cuts = 0
        await follower.compare()
        assert await scene.indexed(large) is not None
        await scene.archive.close()


async def test_what_is_no_dicom_by_its_uids_keeps_no_other_from_the_index(
    orthanc_running: OrthancServer, orthanc: Orthanc, database: Database
) -> None:
    scene, good = await Scene.of(orthanc, database), made(MR)
    with config.disable_value_validation():
        await scene.store(made(SeriesInstanceUID="no uid"))
    await scene.store(good)
    follower = scene.follower()
    await follow(follower)
    await follower.compare()
    assert good.address.study in await scene.studies()
    assert await scene.position() == (await orthanc.changes(await scene.position())).position


async def test_a_database_that_is_away_is_waited_for(scene: Scene, hospital: Path) -> None:
    follower, sent = scene.follower(), made()
    await follow(follower)
    await scene.store(sent)
    (hospital / CDSS_FILE).rename(hospital / "away")
    scene.database.forget()
    with pytest.raises(SourceDownError):
        await follower.follow()
    (hospital / "away").rename(hospital / CDSS_FILE)
    await follow(follower)
    assert await scene.indexed(sent) is not None
