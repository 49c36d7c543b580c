"""What waits is listed, shown once the RIS says whose it is, or deleted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dicomweb.archives.archive import Address
from dicomweb.quarantine import NoSuchRowError, Quarantine
from fhir_facade.cli import main
from tests.dicomweb.stow.sending import LEE, Sender, image
from tests.dicomweb.stow.test_whose import awaited, row_of


@pytest.fixture
def quarantine(sender: Sender) -> Quarantine:
    follower = sender.facade.app.follower
    return Quarantine(follower.archive, sender.facade.service.engine.database, follower.intake)


async def test_what_waits_is_released_once_the_ris_says_whose_it_is(
    sender: Sender, quarantine: Quarantine
) -> None:
    one = image(PatientID="STRANGER-2")
    second = image(one.study, PatientID="STRANGER-2")
    await sender.store(one, second)
    assert [w.address for w in await quarantine.waiting(one.study)] == [
        Address(i.study, i.series, i.instance) for i in (one, second)
    ]
    assert await quarantine.release(one.study) == ["unknown-patient"] * 2
    key = await awaited(sender)
    with pytest.raises(NoSuchRowError):
        await quarantine.release(one.study, "ST-2025-000001")  # it has images of its own
    assert await quarantine.release(one.study, key) == ["", ""]
    assert (await row_of(sender, key))["num_instances"] == 2
    assert await quarantine.waiting(one.study) == []
    assert (await sender.store(one)).status_code == 200


async def test_nothing_is_released_against_the_rows_patient(sender: Sender, quarantine: Quarantine) -> None:
    other = image(PatientID=LEE, AccessionNumber="ACC-10")
    key = await awaited(sender, accession_number="ACC-10")
    await sender.store(other)
    assert await quarantine.release(other.study, key) == ["another-patient"]
    assert await sender.waiting(other.study) == ["another-patient"]
    assert (await row_of(sender, key))["study_instance_uid"] is None


async def test_nobody_shows_what_is_being_dropped(
    sender: Sender, quarantine: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, archive = image(PatientID="STRANGER-3"), sender.facade.app.follower.archive
    await sender.store(one)
    key, delete, releases = await awaited(sender), archive.delete, list[asyncio.Task[list[str]]]()

    async def deleting(place: str) -> None:
        releases.append(asyncio.create_task(quarantine.release(one.study, key)))
        await asyncio.wait(releases, timeout=0.5)
        assert not releases[0].done()
        await delete(place)

    monkeypatch.setattr(archive, "delete", deleting)
    assert await quarantine.drop(one.study) == 1
    assert await releases[0] == []
    assert await quarantine.waiting(one.study) == []
    assert (await row_of(sender, key))["study_instance_uid"] is None


async def test_a_row_gets_no_uid_under_which_nothing_waits(sender: Sender, quarantine: Quarantine) -> None:
    key = await awaited(sender)
    assert await quarantine.release("1.2.3.4", key) == []
    assert (await row_of(sender, key))["study_instance_uid"] is None


async def test_what_is_dropped_is_gone_with_its_file(sender: Sender, quarantine: Quarantine) -> None:
    one = image(PatientID="STRANGER-4")
    await sender.store(one)
    assert await quarantine.drop(one.study) == 1
    assert await sender.waiting(one.study) == []
    places = [s.address.instance async for s in sender.facade.app.follower.archive.everything()]
    assert one.instance not in places
    assert await quarantine.drop(one.study) == 0


async def test_a_name_that_was_left_empty_means_no_study(sender: Sender, quarantine: Quarantine) -> None:
    one = image(PatientID="STRANGER-5")
    await sender.store(one)
    assert (await quarantine.release(""), await quarantine.drop("")) == ([], 0)
    assert await sender.waiting(one.study) == ["unknown-patient"]
    assert one.study in {waiting.study for waiting in await quarantine.waiting()}


def test_the_command_lists_releases_and_drops(
    hospital: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(hospital))
    assert main(["archive", "quarantine", "list"]) == 0
    assert capsys.readouterr().out == "nothing waits\n"
    assert main(["archive", "quarantine", "release", "1.2.3"]) == 1
    assert main(["archive", "quarantine", "drop", "1.2.3"]) == 1
    assert capsys.readouterr().out == "0 released, 0 still waiting\n0 deleted\n"
