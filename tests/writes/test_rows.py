"""What goes to rows of the CDSS comes back as it was sent, and neither side loses what the other changes."""

import copy
from decimal import Decimal

import pytest

from mappers.stored.content import dumps
from mappers.write import history
from mappers.write.faults import WriteFault
from tests.writes.conftest import Written
from tests.writes.samples import SAMPLES, said, sample

TYPES = sorted(SAMPLES)


@pytest.mark.parametrize("resource_type", TYPES)
async def test_what_is_created_is_read_as_it_was_sent(written: Written, resource_type: str) -> None:
    sent = sample(resource_type)
    found = await written.made(sent)
    read = await written.engine.read(resource_type, found["id"])
    assert dumps(sorted(said(read).items())) == dumps(sorted(said(sent).items()))
    assert read == found


@pytest.mark.parametrize("resource_type", TYPES)
async def test_what_is_written_back_as_it_was_read_changes_no_column(
    written: Written, resource_type: str
) -> None:
    found = await written.made(sample(resource_type))
    async with written.writer() as writer:
        again = await writer.update(resource_type, found["id"], copy.deepcopy(found))
    assert said(again) == said(found)
    assert again["meta"]["versionId"] != found["meta"]["versionId"]


@pytest.mark.parametrize("resource_type", TYPES)
async def test_every_version_that_was_read_can_be_read_again(written: Written, resource_type: str) -> None:
    found = await written.made(sample(resource_type))
    async with written.writer() as writer:
        again = await writer.update(resource_type, found["id"], {**found, "language": "ko"})
    for version in (found, again):
        kept = await history.version(
            written.engine.database, resource_type, found["id"], version["meta"]["versionId"]
        )
        assert kept is not None
        assert kept.resource == version


async def test_others_changes_are_never_masked(written: Written) -> None:
    found = await written.made(sample("Observation"))
    key = found["id"].removeprefix("lab-")
    await written.change(f"UPDATE lis_labresult SET value = '7.1', value_numeric = 7.1 WHERE id = {key}")  # noqa: S608
    read = await written.engine.read("Observation", found["id"])
    assert isinstance(read, dict)
    assert read["valueQuantity"]["value"] == Decimal("7.1")
    assert read["method"] == {"text": "효소법"}
    assert read["meta"]["versionId"] != found["meta"]["versionId"]


async def test_an_update_of_what_others_have_changed_is_refused(written: Written) -> None:
    found = await written.made(sample("Observation"))
    key = found["id"].removeprefix("lab-")
    await written.change(f"UPDATE lis_labresult SET status = 'final' WHERE id = {key}")  # noqa: S608
    with pytest.raises(WriteFault) as refused:
        async with written.writer() as writer:
            await writer.update("Observation", found["id"], found, found["meta"]["versionId"])
    assert refused.value.status == 412
    assert await written.column(f"SELECT status FROM lis_labresult WHERE id = {key}") == "final"  # noqa: S608


async def test_what_others_wrote_is_kept_as_a_version_before_it_is_written_over(written: Written) -> None:
    found = await written.made(sample("Observation"))
    for table in ("fhir_resource", "fhir_version"):
        await written.change(f"DELETE FROM {table}")  # noqa: S608 - as if others had made the row
    before = await written.engine.read("Observation", found["id"])
    assert isinstance(before, dict)
    async with written.writer() as writer:
        await writer.update("Observation", found["id"], {**before, "language": "ko"})
    kept = await history.version(
        written.engine.database, "Observation", found["id"], before["meta"]["versionId"]
    )
    assert kept is not None
    assert kept.resource == before


async def test_only_what_is_said_otherwise_is_written(written: Written) -> None:
    """`in_progress` and `ordered` are both `active`: saying `active` again leaves the word as it is."""
    found = await written.made(sample("Specimen"))
    sql = f"UPDATE lis_specimen SET status = 'processing' WHERE specimen_id = '{found['id']}'"  # noqa: S608
    await written.change(sql)
    async with written.writer() as writer:
        await writer.update("Specimen", found["id"], {**found, "note": [{"text": "흔들지 말 것"}]})
    sql = f"SELECT status FROM lis_specimen WHERE specimen_id = '{found['id']}'"  # noqa: S608
    assert await written.column(sql) == "processing"


@pytest.mark.parametrize(
    ("resource_type", "sql"),
    [
        ("AllergyIntolerance", "SELECT is_active FROM emr_allergy WHERE id = {key}"),
        ("Observation", "SELECT status FROM lis_labresult WHERE id = {key}"),
        ("Encounter", "SELECT status FROM emr_encounter WHERE encounter_id = '{key}'"),
        ("Patient", "SELECT is_active FROM emr_patientcache WHERE patient_id = '{key}'"),
    ],
)
async def test_a_deleted_row_stays_and_is_retired(written: Written, resource_type: str, sql: str) -> None:
    found = await written.made(sample(resource_type))
    async with written.writer() as writer:
        assert await writer.delete(resource_type, found["id"]) is not None
    assert await written.engine.read(resource_type, found["id"]) is None
    assert await written.found(resource_type, "_id", found["id"]) == []
    key = found["id"].removeprefix("allergy-").removeprefix("lab-")
    assert await written.column(sql.format(key=key)) in (0, "cancelled")
    async with written.writer() as writer:
        assert await writer.tombstone(resource_type, found["id"])
        assert await writer.delete(resource_type, found["id"]) is None


async def test_a_row_that_others_bring_back_is_served_again(written: Written) -> None:
    found = await written.made(sample("AllergyIntolerance"))
    key = found["id"].removeprefix("allergy-")
    async with written.writer() as writer:
        await writer.delete("AllergyIntolerance", found["id"])
    await written.change(f"UPDATE emr_allergy SET is_active = 1 WHERE id = {key}")  # noqa: S608
    assert isinstance(await written.engine.read("AllergyIntolerance", found["id"]), dict)


async def test_of_a_joined_patient_only_the_hospitals_columns_change(written: Written) -> None:
    found = await written.made(sample("Patient"))
    link = f"UPDATE emr_patientcache SET openemr_pid = 3 WHERE patient_id = '{found['id']}'"  # noqa: S608
    await written.change(link)
    openemr = "SELECT * FROM openemr.patient_data WHERE pid = 3"
    theirs = await written.engine.database.fetch(openemr, ())
    before = await written.engine.read("Patient", found["id"])
    assert isinstance(before, dict)
    changed = {
        **before,
        "telecom": [{"system": "phone", "value": "010-9999-0000"}],
        "birthDate": "1991-01-01",
    }
    async with written.writer() as writer:
        after = await writer.update("Patient", found["id"], changed)
    assert after["telecom"] == changed["telecom"]
    phone = f"SELECT phone FROM emr_patientcache WHERE patient_id = '{found['id']}'"  # noqa: S608
    assert await written.column(phone) == "010-9999-0000"
    assert await written.engine.database.fetch(openemr, ()) == theirs


async def test_the_servers_words_follow_what_they_tell_of(written: Written) -> None:
    found = await written.made(sample("Specimen"))
    assert found["text"]["status"] == "generated"
    async with written.writer() as writer:
        again = await writer.update("Specimen", found["id"], {**found, "status": "unavailable"})
    assert "unavailable" in again["text"]["div"]


async def test_a_reference_written_in_full_leads_where_the_short_one_does(written: Written) -> None:
    found = await written.made(sample("DiagnosticReport"))
    full = {"reference": f"{written.facade.service.base}/Patient/P-2025-000001"}
    async with written.writer() as writer:
        again = await writer.update("DiagnosticReport", found["id"], {**found, "subject": full})
    assert again["subject"] == full
