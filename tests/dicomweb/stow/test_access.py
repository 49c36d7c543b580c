"""Who may store and delete: as ImagingStudy may be written, and not a word more to anybody else."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dicomweb.archives.archive import Address
from dicomweb.index.reading import instances, rows
from fhir_facade.audit import trail
from mappers.cdss.tables import ris_radiologystudy
from mappers.facade.tables import fhir_audit
from tests.audit.recording import Recording, gone
from tests.dicomweb.stow.sending import KIM, LEE, Sender, failures, image, stored
from tests.facade.facade import Facade, embedded_engine
from tests.smart_auth.badges import Badges, user

ALL = "user/ImagingStudy.cruds"


def sender_of(guarded: Facade, badges: Badges, scopes: str, role: str = "radiologist", **more: str) -> Sender:
    """A caller of a role; `patient`: whose data alone the token opens."""
    return Sender(guarded, {"authorization": badges.badge(scopes, user(role), **more)})


@pytest.fixture
def radiologist(guarded: Facade, badges: Badges) -> Sender:
    """May do everything to all studies."""
    return sender_of(guarded, badges, ALL)


@pytest.fixture
def of_kim(guarded: Facade, badges: Badges) -> Sender:
    """May do everything to one patient's studies."""
    return sender_of(guarded, badges, "patient/ImagingStudy.cruds", patient=KIM)


async def rows_and_events(sender: Sender) -> tuple[int, int]:
    database = sender.facade.service.engine.database
    [(studies,)] = await rows(database, select(func.count()).select_from(ris_radiologystudy))
    return int(studies), len(list((sender.facade.settings.data_path / "archive" / "files").rglob("*")))


async def test_nobody_stores_without_a_right_to(guarded: Facade, badges: Badges) -> None:
    one = image()
    for sender, status in (
        (Sender(guarded), 401),
        (Sender(guarded, {"authorization": "Bearer stranger"}), 401),
        (sender_of(guarded, badges, "user/ImagingStudy.rs"), 403),
        (sender_of(guarded, badges, ALL, "nurse"), 403),
        (sender_of(guarded, badges, "user/Patient.cruds"), 403),
    ):
        assert (await sender.store(one)).status_code == status
        assert (await sender.delete(f"/studies/{one.study}")).status_code == status
    assert await sender.count(one.study) == 0


async def test_a_new_study_is_stored_for_whom_the_token_opens_alone(of_kim: Sender) -> None:
    assert (await of_kim.store(image())).status_code == 200
    before = await rows_and_events(of_kim)
    other = image(PatientID=LEE)
    answer = await of_kim.store(other)
    assert (answer.status_code, failures(answer)) == (403, [0x0124])
    assert await rows_and_events(of_kim) == before
    mixed = await of_kim.store(other, image())
    assert (mixed.status_code, failures(mixed)) == (202, [0x0124])


async def test_a_hidden_study_is_as_if_it_were_not_ones_to_store_to(of_kim: Sender, sender: Sender) -> None:
    hidden = image(PatientID=LEE)
    await sender.store(hidden)
    for one in (
        image(hidden.study, PatientID=LEE),
        image(hidden.study),  # of one's own patient, into another's study
        hidden,
        image(instance=hidden.instance),
    ):
        answer = await of_kim.store(one)
        assert (answer.status_code, failures(answer)) == (403, [0x0124])
        assert "warning" not in answer.headers
    assert (await sender.row(hidden.study))["num_instances"] == 1


async def test_deleting_takes_the_images_and_leaves_the_row(radiologist: Sender) -> None:
    one, second = image(), image()
    second = image(one.study)
    await radiologist.store(one, second)
    row = await radiologist.row(one.study)
    gone = await radiologist.delete(f"/studies/{second.study}/series/{second.series}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await radiologist.row(one.study))["num_series"] == 1
    assert (await radiologist.delete(one.address)).status_code == 204
    left = await radiologist.row(one.study)
    assert (left["num_series"], left["num_instances"], left["status"]) == (0, 0, "registered")
    assert (left["study_id"], left["created_at"]) == (row["study_id"], row["created_at"])
    found = (await radiologist.read(row["study_id"])).json()
    assert (found["status"], found["numberOfInstances"]) == ("registered", 0)
    assert "series" not in found
    assert (await radiologist.delete(one.address)).status_code == 404
    database = radiologist.facade.service.engine.database
    assert not await instances(database, Address(one.study))
    assert await radiologist.events(row["study_id"]) == ["create", "update", "update"]
    again = await radiologist.store(one)
    assert (again.status_code, stored(again)) == (200, [one.instance])
    assert (await radiologist.row(one.study))["status"] == "completed"


async def test_who_may_not_see_a_study_deletes_nothing_of_it(
    of_kim: Sender, sender: Sender, guarded: Facade, badges: Badges
) -> None:
    hidden = image(PatientID=LEE)
    await sender.store(hidden)
    absent = await of_kim.delete("/studies/1.2.3")
    refused = await of_kim.delete(f"/studies/{hidden.study}")
    assert (refused.status_code, refused.json()["message"]) == (404, absent.json()["message"])
    keeper = sender_of(guarded, badges, "user/ImagingStudy.crus")
    assert (await keeper.delete(f"/studies/{hidden.study}")).status_code == 403
    assert (await sender.row(hidden.study))["num_instances"] == 1


async def test_storing_and_deleting_are_in_the_audit_trail(radiologist: Sender) -> None:
    one = image()
    await radiologist.store(one)
    id_ = (await radiologist.row(one.study))["study_id"]
    await radiologist.delete(f"/studies/{one.study}")
    database = radiologist.facade.service.engine.database
    a = fhir_audit.c
    found = await rows(database, select(a.event, a.username).where(a.entity_id == id_).order_by(a.id))
    assert [tuple(row) for row in found] == [("dicom-store", "radiologist"), ("dicom-delete", "radiologist")]


async def test_nothing_is_stored_or_deleted_while_that_can_not_be_recorded(
    radiologist: Sender, badges: Badges, stow_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, new = image(), image()
    assert (await radiologist.store(kept)).status_code == 200
    before = await rows_and_events(radiologist)
    monkeypatch.setattr(trail, "PROOF", 0)
    with gone(Recording(radiologist.facade, badges, embedded_engine(stow_data))):
        for answer in (await radiologist.store(new), await radiologist.delete(f"/studies/{kept.study}")):
            assert (answer.status_code, "audit trail" in answer.json()["message"]) == (503, True)
    assert await rows_and_events(radiologist) == before
    assert (await radiologist.store(new)).status_code == 200


async def test_what_was_kept_and_not_indexed_is_found_by_the_follower(sender: Sender) -> None:
    one = image()
    follower = sender.facade.app.follower
    await follower.archive.store(Address(one.study, one.series, one.instance), BytesIO(one.content))
    assert await sender.count(one.study) == 0
    while not await follower.follow():
        pass
    assert (await sender.row(one.study))["patient_id"] == KIM
    assert (await sender.store(one)).status_code == 200


async def test_an_archive_that_is_away_stores_nothing(away: Sender) -> None:
    one = image()
    answer = await away.store(one, image(one.study))
    assert (answer.status_code, failures(answer)) == (503, [0xA700, 0xA700])
    assert await away.count(one.study) == 0
