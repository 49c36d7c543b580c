"""Nothing is shown as a patient's that may be another's: it waits, with a reason, until somebody knows."""

from __future__ import annotations

from pydicom.uid import generate_uid
from sqlalchemy import insert, select, update

from dicomweb.index.reading import rows
from mappers.cdss.tables import ris_radiologystudy
from mappers.transaction import transaction
from tests.dicomweb.stow.sending import KIM, LEE, Json, Sender, failures, image, stored

RIS = ris_radiologystudy.c
MOMENT = "2025-06-01 08:00:00.000000"


async def awaited(sender: Sender, **said: object) -> str:
    """A row of the RIS that awaits images; its key."""
    key = f"ST-2024-{generate_uid()[-6:]}"
    row = {"study_id": key, "patient_id": KIM, "status": "scheduled", "created_at": MOMENT}
    async with transaction(sender.facade.service.engine.database) as t:
        await t.execute(insert(ris_radiologystudy).values(row | {"updated_at": MOMENT} | said))
    return key


async def row_of(sender: Sender, key: str) -> Json:
    database = sender.facade.service.engine.database
    [found] = await rows(database, select(ris_radiologystudy).where(RIS.study_id == key))
    return dict(zip((c.name for c in RIS), found, strict=True))


async def test_images_fill_the_row_that_awaits_their_accession_number(sender: Sender) -> None:
    key = await awaited(sender, accession_number="ACC-7", order_id="O-2025-000001", description="as ordered")
    one = image(AccessionNumber="ACC-7", StudyDescription="as scanned")
    assert (await sender.store(one)).status_code == 200
    row = await row_of(sender, key)
    assert (row["study_instance_uid"], row["status"]) == (one.study, "completed")
    assert (row["num_series"], row["num_instances"]) == (1, 1)
    assert (row["order_id"], row["description"]) == ("O-2025-000001", "as ordered")
    assert row["updated_at"] > MOMENT
    assert await sender.events(key) == ["update"]
    assert await sender.count(one.study) == 1


async def test_a_second_study_of_an_accession_number_has_a_row_and_the_same_order(sender: Sender) -> None:
    await awaited(
        sender, accession_number="ACC-8", order_id="O-2025-000001", study_instance_uid=generate_uid()
    )
    one = image(AccessionNumber="ACC-8")
    await sender.store(one)
    assert (await sender.row(one.study))["order_id"] == "O-2025-000001"
    named = image(AccessionNumber="O-2025-000001")
    await sender.store(named)
    assert (await sender.row(named.study))["order_id"] == "O-2025-000001"


async def test_nobodys_images_wait_and_are_seen_by_nobody(sender: Sender) -> None:
    one = image(PatientID="STRANGER")
    answer = await sender.store(one)
    assert (answer.status_code, failures(answer), stored(answer)) == (409, [0x0110], [])
    assert "quarantine" in answer.headers["warning"]
    assert await sender.waiting(one.study) == ["unknown-patient"]
    assert await sender.count(one.study) == 0
    found = await sender.facade.http.get(f"/api/dicom-web/studies?StudyInstanceUID={one.study}")
    assert found.status_code == 204 or found.json() == []
    assert failures(await sender.store(one)) == [0x0110]
    assert await sender.waiting(one.study) == ["unknown-patient"]


async def test_a_patient_other_than_the_rows_waits(sender: Sender) -> None:
    uid = generate_uid()
    await awaited(sender, study_instance_uid=uid)
    one = image(uid, PatientID=LEE)
    assert failures(await sender.store(one)) == [0x0110]
    assert await sender.waiting(uid) == ["another-patient"]
    by_number = image(PatientID=LEE, AccessionNumber="ACC-9")
    key = await awaited(sender, accession_number="ACC-9")
    assert failures(await sender.store(by_number)) == [0x0110]
    assert (await row_of(sender, key))["study_instance_uid"] is None


async def test_the_rows_patient_counts_where_the_patient_id_means_nobody(sender: Sender) -> None:
    uid = generate_uid()
    key = await awaited(sender, study_instance_uid=uid)
    assert (await sender.store(image(uid, PatientID="OLD-NUMBER"))).status_code == 200
    assert (await row_of(sender, key))["patient_id"] == KIM
    # a number that another hospital gives out, too
    await awaited(sender, accession_number="1")
    assert failures(await sender.store(image(PatientID="OLD-NUMBER", AccessionNumber="1"))) == [0x0110]


async def test_a_study_has_one_patient_id(sender: Sender) -> None:
    one = image()
    await sender.store(one)
    older = image(one.study, PatientID="MRN-0001")  # OpenEMR's number of the same patient
    assert failures(await sender.store(older)) == [0x0110]
    assert await sender.waiting(one.study) == []
    first, second = image(), image(PatientID=LEE)
    second = image(first.study, PatientID=LEE)
    both = await sender.store(first, second)
    assert (both.status_code, stored(both)) == (202, [first.instance])


async def test_rows_that_contradict_each_other_are_not_chosen_from(sender: Sender) -> None:
    uid = generate_uid()
    await awaited(sender, study_instance_uid=uid)
    mine = await awaited(sender, study_instance_uid=uid, patient_id=LEE)
    assert (await sender.store(image(uid, PatientID=LEE))).status_code == 200
    assert (await row_of(sender, mine))["num_instances"] == 1
    unclear = generate_uid()
    await awaited(sender, study_instance_uid=unclear)
    await awaited(sender, study_instance_uid=unclear, patient_id=LEE)
    assert failures(await sender.store(image(unclear, PatientID=""))) == [0x0110]
    assert await sender.waiting(unclear) == ["several-ris-rows"]


async def test_words_that_a_person_wrote_stay(sender: Sender) -> None:
    for word in ("reported", "cancelled", "weird"):
        uid = generate_uid()
        key = await awaited(sender, study_instance_uid=uid, status=word)
        assert (await sender.store(image(uid))).status_code == 200
        assert (await row_of(sender, key))["status"] == word


async def test_a_row_that_was_given_another_patient_meanwhile_is_left_alone(sender: Sender) -> None:
    one = image()
    await sender.store(one)
    async with transaction(sender.facade.service.engine.database) as t:
        moved = update(ris_radiologystudy).where(RIS.study_instance_uid == one.study)
        await t.execute(moved.values(patient_id=LEE))
    assert failures(await sender.store(image(one.study))) == [0x0110]
    assert (await sender.row(one.study))["num_instances"] == 1
