"""What clients have written is sealed in the database, bound to its row, and follows the newest key."""

from argparse import Namespace
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from fhir_facade.encryption import at_rest_of, key_file
from fhir_facade.encryption_commands import reseal, status
from mappers.keyring import is_sealed, key_of
from mappers.reader import Unreadable
from mappers.write import history
from tests.encryption.hospital import COLUMNS, PATIENTS, Hospital
from tests.facade.facade import Facade
from tests.writes.conftest import Written

GOAL = {
    "resourceType": "Goal",
    "lifecycleStatus": "active",
    "description": {"text": "혈압을 낮춘다"},
    "subject": {"reference": "Patient/P-2025-000001"},
}
PATIENT = {
    "resourceType": "Patient",
    "active": True,
    "name": [{"use": "official", "text": "봉인된"}],
    "gender": "female",
    "telecom": [{"system": "phone", "value": "010-5555-0000"}],
    "maritalStatus": {"text": "기혼이다"},
}
CONTENTS = "SELECT content FROM fhir_resource UNION ALL SELECT content FROM fhir_version"


@pytest_asyncio.fixture
async def written(hospital_open: Hospital) -> AsyncIterator[Written]:
    """What writes to a hospital that has keys."""
    facade = Facade(hospital_open.settings)
    found = Written(facade)
    yield found
    await found.clear()
    await facade.close()


def contents(hospital: Hospital) -> list[str]:
    """Everything that clients have written, as it is stored."""
    return [str(row[0]) for row in hospital.rows(CONTENTS) if row[0] is not None]


async def reread(written: Written, made: dict[str, Any]) -> None:
    """What was made is read as it was, and so is its version."""
    kind, id_, version = made["resourceType"], made["id"], made["meta"]["versionId"]
    assert await written.engine.read(kind, id_) == made
    kept = await history.version(written.engine.database, kind, id_, version)
    assert kept is not None
    assert kept.resource == made


async def test_what_clients_write_stands_nowhere_in_clear(hospital_open: Hospital, written: Written) -> None:
    for resource, secret in ((GOAL, "혈압을"), (PATIENT, "기혼이다")):
        made = await written.made(dict(resource))
        await reread(written, made)
        async with written.writer() as writer:
            again = await writer.update(made["resourceType"], made["id"], {**made, "language": "ko"})
        await reread(written, again)
        stored = contents(hospital_open)
        assert len(stored) >= 3
        assert all(is_sealed(text) for text in stored)
        assert not [text for text in stored if secret in text]


@pytest.mark.parametrize("resource", [GOAL, PATIENT], ids=["whole", "rest"])
async def test_content_that_was_moved_or_changed_is_named_and_never_told(
    hospital_open: Hospital, written: Written, resource: dict[str, Any]
) -> None:
    one, two = await written.made(dict(resource)), await written.made(dict(resource))
    kind = resource["resourceType"]
    rows = hospital_open.rows("SELECT id, content FROM fhir_resource ORDER BY id")
    write = "UPDATE fhir_resource SET content = :v WHERE id = :k"
    for stored in (rows[1][1], rows[0][1][:-5] + "AAAAA"):
        hospital_open.execute(write, v=stored, k=rows[0][0])
        found = await written.engine.read(kind, one["id"])
        assert isinstance(found, Unreadable)
        assert "can't be opened" in found.reason
        assert await written.engine.read(kind, two["id"]) == two
    hospital_open.execute(write, v=rows[0][1], k=rows[0][0])
    await reread(written, one)


async def test_everything_is_sealed_anew_under_the_newest_key_while_it_is_served(
    hospital_open: Hospital, written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    made = [await written.made(dict(r)) for r in (GOAL, PATIENT, GOAL)]
    first = {key_of(text) for text in contents(hospital_open)}
    newest = key_file(hospital_open.settings).rotate(datetime.now(UTC)).id
    assert newest not in first
    for resource in made:
        await reread(written, resource)
    assert reseal(hospital_open.settings, Namespace(batch=2)) == 0
    assert {key_of(text) for text in contents(hospital_open)} == {newest}
    for resource in made:
        await reread(written, resource)
    capsys.readouterr()
    assert status(hospital_open.settings, Namespace()) == 0
    told = capsys.readouterr().out
    assert f"fhir_resource.content: 3 under {newest}\n" in told
    assert f"{newest} seals" in told


async def test_what_was_kept_before_there_were_keys_is_read_and_sealed_later(
    hospital_open: Hospital, written: Written
) -> None:
    off = Facade(replace(hospital_open.settings, encryption_at_rest=False))
    writing = Written(off)
    made = [await writing.made(dict(r)) for r in (GOAL, PATIENT)]
    written.made_here += writing.made_here
    await off.close()
    assert not [text for text in contents(hospital_open) if is_sealed(text)]
    for resource in made:
        await reread(written, resource)
    assert reseal(hospital_open.settings, Namespace(batch=500)) == 0
    assert all(is_sealed(text) for text in contents(hospital_open))
    for resource in made:
        await reread(written, resource)


async def test_what_is_written_to_sealed_columns_is_sealed_and_found(hospital_open: Hospital) -> None:
    for name in COLUMNS:
        assert hospital_open.seal(name, alter=True) == 0
    facade = Facade(hospital_open.sealed)
    written = Written(facade)
    keyring = at_rest_of(hospital_open.settings).keyring
    assert keyring is not None
    try:
        made = await written.made(dict(PATIENT))
        key = made["id"]
        await reread(written, made)
        select = f"SELECT name, phone, ssn, name_blind, ssn_blind FROM {PATIENTS} WHERE patient_id = :k"  # noqa: S608
        [(name, phone, number, blind, no_blind)] = hospital_open.rows(select, k=key)
        assert is_sealed(name)
        assert is_sealed(phone)
        assert (number, no_blind) == (None, None)
        assert blind == keyring.blind("봉인된", f"{PATIENTS}.name")
        assert await written.found("Patient", "name:exact", "봉인된") == [key]
        assert await written.found("Patient", "phone", "010-5555-0000") == [key]
        renamed = {**made, "name": [{"use": "official", "text": "다른 이름"}]}
        async with written.writer() as writer:
            again = await writer.update("Patient", key, renamed)
        await reread(written, again)
        assert is_sealed(hospital_open.rows(select, k=key)[0][0])
        assert await written.found("Patient", "name:exact", "봉인된") == []
        assert await written.found("Patient", "name:exact", "다른 이름") == [key]
    finally:
        await written.clear()
        await facade.close()


async def test_a_version_that_does_not_open_is_told_so_beside_the_others(
    hospital_open: Hospital, written: Written
) -> None:
    made = await written.made(dict(GOAL))
    async with written.writer() as writer:
        again = await writer.update("Goal", made["id"], {**made, "language": "ko"})
    [(first,), (second,)] = hospital_open.rows("SELECT id FROM fhir_version ORDER BY id")
    moved = "SELECT content FROM fhir_version WHERE id = :k"
    [(content,)] = hospital_open.rows(moved, k=second)
    hospital_open.execute("UPDATE fhir_version SET content = :v WHERE id = :k", v=content, k=first)
    versions = f"Goal/{made['id']}/_history"
    response = await written.facade.get(f"{versions}/{made['meta']['versionId']}")
    assert response.status_code == 500
    assert "can't be opened" in response.json()["issue"][0]["diagnostics"]
    bundle = (await written.facade.get(versions)).json()
    newest, oldest = bundle["entry"]
    assert newest["resource"]["meta"]["versionId"] == again["meta"]["versionId"]
    assert "resource" not in oldest
    assert oldest["response"]["status"] == "500"
    assert "can't be opened" in oldest["response"]["outcome"]["issue"][0]["diagnostics"]


async def test_what_was_sent_is_found_as_before_when_its_columns_are_sealed(hospital_open: Hospital) -> None:
    facade = Facade(hospital_open.settings)
    written = Written(facade)
    sent = {**PATIENT, "name": [{"use": "official", "family": "봉", "given": ["인"]}]}
    try:
        kept, changed = await written.made(dict(sent)), await written.made(dict(sent))
        both = sorted((kept["id"], changed["id"]))
        assert sorted(await written.found("Patient", "family:exact", "봉")) == both
        write = f"UPDATE {PATIENTS} SET name = '남이 씀' WHERE patient_id = :k"  # noqa: S608
        hospital_open.execute(write, k=changed["id"])
        assert await written.found("Patient", "family:exact", "봉") == [kept["id"]]
        for undo in (False, True):
            assert hospital_open.seal("name", alter=not undo, undo=undo) == 0
            served = hospital_open.settings if undo else hospital_open.sealed_name
            looking = Facade(served)
            asking = Written(looking)
            assert await asking.found("Patient", "family:exact", "봉") == [kept["id"]]
            assert await looking.service.engine.read("Patient", kept["id"]) == kept
            await looking.close()
    finally:
        await written.clear()
        await facade.close()
