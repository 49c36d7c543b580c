"""Who asks what has changed since an export is told what was deleted, and keeps nothing that has gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Table, update

from mappers.transaction import transaction
from tests.export.client import FIRST, SECOND, exports_of, finished, kicked_off, lines, posted
from tests.export.deleting import LATER, OTHERS, SINCE, TYPES, allergy, deleted, goal, told, told_by
from tests.writes.conftest import Written

#: a goal of somebody whom the server doesn't know
NOBODY: dict[str, Any] = {
    "resourceType": "Goal",
    "lifecycleStatus": "active",
    "description": {"text": "걷기"},
    "subject": {"display": "어떤 사람"},
}


async def test_what_was_deleted_since_is_told_by_its_type(deleting: Written) -> None:
    expected = [
        await deleted(deleting, allergy()),
        await deleted(deleting, goal(FIRST)),
        await deleted(deleting, allergy(**OTHERS)),
    ]
    facade = deleting.facade
    manifest = await finished(facade, await kicked_off(facade, f"$export?{TYPES}&_since={SINCE}"))
    files = [(e["url"].rpartition("/")[2], e["count"]) for e in manifest["deleted"]]
    assert files == [("AllergyIntolerance-deleted.ndjson", 1), ("Goal-deleted.ndjson", 1)]
    assert sorted(await told_by(facade, manifest)) == sorted(expected)
    assert await told(facade, f"$export?{TYPES}&_since={LATER}") == []
    assert await told(facade, f"$export?_type=Patient&_since={SINCE}") == []
    assert await told(facade, f"$export?{TYPES}") == []


async def test_what_is_there_again_is_not_told_as_deleted(deleting: Written) -> None:
    ours, others = await deleted(deleting, goal(FIRST)), await deleted(deleting, allergy())
    async with deleting.writer() as writer:
        await writer.update("Goal", ours.removeprefix("Goal/"), goal(FIRST))
    async with transaction(deleting.engine.database) as t:  # the old application brings its row back
        resolved = deleting.engine.mappings["AllergyIntolerance"].resolve(others.rpartition("/")[2])
        assert resolved is not None
        part, key = resolved
        table = part.source.table
        assert isinstance(table, Table)
        await t.execute(update(table).where(part.id.column == key).values(is_active=1))
    assert await told(deleting.facade, f"$export?{TYPES}&_since={SINCE}") == []


async def test_what_is_deleted_after_the_export_began_comes_with_the_next(deleting: Written) -> None:
    facade = deleting.facade
    address = await kicked_off(facade, f"$export?{TYPES}&_since={SINCE}")
    await deleted(deleting, goal(FIRST), at="")
    manifest = await finished(facade, address)
    assert manifest["deleted"] == []
    moment = manifest["transactionTime"].replace("+", "%2B")
    await deleted(deleting, goal(SECOND), at="2999-01-01 00:00:00.000000")
    assert await told(facade, f"$export?{TYPES}&_since={moment}") == []


async def test_an_export_of_patients_tells_what_was_theirs(deleting: Written) -> None:
    facade = deleting.facade
    of_first = [await deleted(deleting, goal(FIRST)), await deleted(deleting, allergy())]
    of_second = [await deleted(deleting, allergy(**OTHERS))]
    of_nobody = await deleted(deleting, NOBODY)
    directory = await deleted(deleting, {"resourceType": "Organization", "name": "약국"})
    everything = {*of_first, *of_second, of_nobody, directory}
    assert set(await told(facade, f"$export?{TYPES}&_since={SINCE}")) == everything
    types = "_type=AllergyIntolerance,Goal"
    assert await told(facade, f"Patient/$export?{types}&_since={SINCE}") == [*of_first, *of_second]
    asked = {"_type": "AllergyIntolerance,Goal", "_since": SINCE}
    parameters = [
        {"name": n, "valueInstant" if n == "_since" else "valueString": v} for n, v in asked.items()
    ]
    one = {"name": "patient", "valueReference": {"reference": f"Patient/{FIRST}"}}
    answer = await posted(facade, "Patient/$export", one, *parameters)
    assert answer.status_code == 202, answer.text
    manifest = await finished(facade, answer.headers["content-location"])
    assert await told_by(facade, manifest) == of_first


async def test_what_was_corrected_to_another_patient_is_told_of_that_one(embedded_deleting: Written) -> None:
    made = await embedded_deleting.made(goal(FIRST))
    for _ in range(2):  # deleted, there again, deleted again: that is told once
        async with embedded_deleting.writer() as writer:
            await writer.update("Goal", made["id"], goal(SECOND))
            await writer.delete("Goal", made["id"])
    group = {"resourceType": "Group", "type": "person", "actual": True}
    members = [[{"entity": {"reference": f"Patient/{i}"}}] for i in (FIRST, SECOND)]
    ids = [(await embedded_deleting.made({**group, "member": m}))["id"] for m in members]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fhir_facade.export.kick_off.MARGIN", -1)  # it was deleted just now
        found = [
            await told(embedded_deleting.facade, f"Group/{i}/$export?_type=Goal&_since={SINCE}") for i in ids
        ]
    assert found == [[], [f"Goal/{made['id']}"]]


async def test_an_attempt_goes_on_where_the_last_one_stood(
    embedded_deleting: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhir_facade.export.deleted.AT_ONCE", 2)
    facade, runner = embedded_deleting.facade, exports_of(embedded_deleting.facade).runner
    monkeypatch.setattr(runner.works["export"], "every", 0.0)
    expected = [await deleted(embedded_deleting, goal(FIRST)) for _ in range(7)]
    address = await kicked_off(facade, f"$export?{TYPES}&_since={SINCE}")
    job_id = address.rpartition("/")[2]
    working = asyncio.create_task(runner.run_one())
    while "Goal-deleted" not in (runner.jobs.get(job_id) or pytest.fail("it is gone")).checkpoint:
        assert not working.done()
        await asyncio.sleep(0)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    manifest = await finished(facade, address)
    assert await told_by(facade, manifest) == expected
    assert [e["count"] for e in manifest["deleted"]] == [4]
    files = sorted(f.name for f in (facade.settings.data_path / "export" / job_id).glob("Goal-deleted.*"))
    assert {name.split(".")[1] for name in files} == {"1", "2"}


async def test_files_of_what_was_deleted_are_sealed_too(embedded_deleting: Written) -> None:
    await deleted(embedded_deleting, goal(FIRST))
    facade = embedded_deleting.facade
    address = await kicked_off(facade, f"$export?{TYPES}&_since={SINCE}")
    manifest = await finished(facade, address)
    folder = facade.settings.data_path / "export" / address.rpartition("/")[2]
    [file] = folder.glob("Goal-deleted.*")
    assert b"Goal" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    [entry] = manifest["deleted"]
    assert len(await lines(facade, entry)) == 1
