"""`fhir-facade reindex`: what is stored is found by all that it says, and nothing else of it changes."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from hashlib import blake2b
from typing import Any

import pytest
from sqlalchemy import Table, select

from fhir_facade.doctor.finding import Level
from fhir_facade.doctor.search_values import examine_search_values
from fhir_facade.inspection import catalogue, inspecting_engine
from fhir_facade.registry import everything
from fhir_facade.reindex_command import reindex
from mappers.facade.tables import fhir_amended, fhir_event, fhir_index, fhir_resource, fhir_version
from mappers.keyring import is_sealed
from mappers.parse import declared_type
from mappers.stored.search_values import INDEXED
from mappers.transaction import RetryError
from mappers.write.history import rows_of
from mappers.write.reindexing import Progress, Reindexing
from tests.writes.conftest import Written
from tests.writes.samples import SAMPLES, sample

ELSEWHERE = "https://elsewhere.example/fhir/Patient/1"
TAG = {"system": "urn:t", "code": "a"}
GOAL = {
    "resourceType": "Goal",
    "meta": {"tag": [TAG]},
    "lifecycleStatus": "active",
    "description": {"text": "하루 30분 걷기"},
    "subject": {"reference": "Patient/P-2025-000001"},
}
LIST = {
    "resourceType": "List",
    "status": "current",
    "mode": "working",
    "entry": [{"item": {"reference": ELSEWHERE}}],
}
GROUP = {
    "resourceType": "Group",
    "type": "person",
    "actual": True,
    "characteristic": [
        {
            "code": {"coding": [{"code": "sex"}]},
            "valueCodeableConcept": {"coding": [{"code": "female"}]},
            "exclude": False,
        }
    ],
}
#: the tables of what is stored, with the columns that may be others once it is indexed
TABLES = {
    fhir_index: ("id",),
    fhir_amended: (),
    fhir_resource: ("indexed",),
    fhir_version: (),
    fhir_event: (),
}


async def rows(written: Written, table: Table, **where: Any) -> list[tuple[Any, ...]]:
    found = select(*(c for c in table.c if c.name not in TABLES[table])).filter_by(**where)
    return sorted((tuple(row) for row in await rows_of(written.engine.database, found)), key=repr)


def work(written: Written, *types: str, batch: int = 20) -> Reindexing:
    return Reindexing(written.engine, written.values, types or None, batch)


async def run(written: Written, *types: str, batch: int = 20) -> Progress:
    return await work(written, *types, batch=batch).run(lambda _: None)


async def command(written: Written, **chosen: Any) -> int:
    """The command as an operator gives it, beside the server."""
    told = Namespace(**{"type": None, "all": False, "batch": 20} | chosen)
    return await asyncio.to_thread(reindex, written.facade.settings, told)


async def as_an_older_version_left_it(written: Written) -> None:
    """Nothing of it is indexed by tags, composites or other servers' addresses."""
    older = "param IN ('_tag', 'characteristic-value') OR (param = 'item' AND target_part IS NULL)"
    await written.change(f"DELETE FROM fhir_index WHERE {older}")  # noqa: S608
    await written.change("DELETE FROM fhir_amended WHERE param = '_tag'")
    await written.change("UPDATE fhir_resource SET indexed = 0")


async def test_what_was_written_before_a_parameter_is_found_by_it(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"_tag": "urn:t|a", "characteristic-value": "sex$female", "item": ELSEWHERE}
    searches = [
        (sample("Patient"), "_tag"),
        (GOAL, "_tag"),
        (GROUP, "characteristic-value"),
        (LIST, "item"),
    ]
    made = [(await written.made(resource), param) for resource, param in searches]
    before = {one["id"]: one for one, _ in made}
    await as_an_older_version_left_it(written)
    for one, param in made:
        assert await written.found(one["resourceType"], param, asked[param]) == []
    assert await command(written) == 0
    assert "4 resources indexed, 0 left" in capsys.readouterr().out
    for one, param in made:
        assert await written.found(one["resourceType"], param, asked[param]) == [one["id"]]
        assert await written.engine.read(one["resourceType"], one["id"]) == before[one["id"]]
    assert await command(written) == 0
    told = capsys.readouterr().out
    assert "0 resources indexed, 0 left" in told
    assert "--all" in told
    assert await command(written, all=True) == 0
    assert capsys.readouterr().out == "4 resources indexed, 0 left\n"


async def test_the_index_is_made_as_the_writes_made_it_and_nothing_else_changes(written: Written) -> None:
    for resource in [*(sample(name) for name in SAMPLES), GOAL, LIST, GROUP]:
        await written.made(resource)
    before = {table: await rows(written, table) for table in TABLES}
    assert {row[1] for row in before[fhir_amended]} >= {"_tag", "family"}
    sealed = {is_sealed(str(row[-1])) for row in before[fhir_resource] if row[-1]}
    assert sealed == {written.facade.settings.embedded}  # the embedded default has keys
    await written.change("DELETE FROM fhir_index")
    await written.change("UPDATE fhir_amended SET guard = 'x'")
    everything = work(written)
    await everything.mark()
    assert await everything.left() == len(before[fhir_resource])
    progress = await everything.run(lambda _: None)
    assert (progress.done, progress.broken) == (len(before[fhir_resource]), {})
    assert {table: await rows(written, table) for table in TABLES} == before


async def test_a_row_that_others_have_changed_is_not_found_by_what_was_sent_before(written: Written) -> None:
    made = await written.made(sample("AllergyIntolerance"))
    key = made["id"].removeprefix("allergy-")
    await written.change(f"UPDATE emr_allergy SET category = 'environment' WHERE id = {key}")  # noqa: S608
    await as_an_older_version_left_it(written)
    assert (await run(written)).broken == {}
    params = {row[1] for row in await rows(written, fhir_amended)}
    assert "category" not in params
    assert "criticality" in params
    assert made["id"] in await written.all_found("AllergyIntolerance", "category", "environment")
    assert made["id"] in await written.all_found("AllergyIntolerance", "criticality", "low")


async def test_a_row_that_is_gone_or_deleted_is_searched_by_nothing(written: Written) -> None:
    order, goal = await written.made(sample("ServiceRequest")), await written.made(GOAL)
    allergy = await written.made(sample("AllergyIntolerance"))
    async with written.writer() as writer:
        await writer.delete("Goal", goal["id"])
    key = allergy["id"].removeprefix("allergy-")
    await written.change(f"DELETE FROM emr_allergy WHERE id = {key}")  # noqa: S608
    left = (
        "INSERT INTO fhir_index (resource, resource_type, param, value) SELECT id, 'Goal', '_tag', 'a' FROM"
    )
    await written.change(f"{left} fhir_resource WHERE resource_type = 'Goal'")
    await written.change("UPDATE fhir_resource SET indexed = 0")
    progress = await run(written)
    assert (progress.done, progress.broken) == (3, {})
    [(kept,)] = await written.engine.database.fetch(
        "SELECT id FROM fhir_resource WHERE resource_type = 'ServiceRequest'", ()
    )
    assert {row[0] for row in await rows(written, fhir_index)} <= {kept}
    assert {row[0] for row in await rows(written, fhir_amended)} <= {kept}
    assert order["id"] in await written.all_found("ServiceRequest", "_id", order["id"])


async def test_only_the_types_that_are_named_are_indexed(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    goal, group = await written.made(GOAL), await written.made(GROUP)
    await as_an_older_version_left_it(written)
    assert await command(written, type=["Group"]) == 0
    assert await written.found("Group", "characteristic-value", "sex$female") == [group["id"]]
    assert await written.found("Goal", "_tag", "a") == []
    assert await command(written, type=["Goal", "List"]) == 0
    assert await written.found("Goal", "_tag", "a") == [goal["id"]]
    assert capsys.readouterr().out.count("1 resources indexed, 0 left") == 2


async def test_who_is_interrupted_goes_on_where_the_work_was_left(written: Written) -> None:
    made = [(await written.made(GOAL))["id"] for _ in range(5)]
    await as_an_older_version_left_it(written)
    seen: list[int] = []

    def stopped(progress: Progress) -> None:
        seen.append(progress.done)
        if progress.done >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await work(written, batch=1).run(stopped)
    assert seen == [1, 2]
    assert await written.found("Goal", "_tag", "a") == made[:2]
    assert await work(written).left() == 3
    assert (await run(written)).done == 3
    assert await written.found("Goal", "_tag", "a") == made


async def test_what_is_broken_is_told_and_the_rest_is_indexed(
    written: Written, capsys: pytest.CaptureFixture[str]
) -> None:
    text, whole = [(await written.made(GOAL))["id"] for _ in range(2)]
    patient, allergy = await written.made(sample("Patient")), await written.made(sample("AllergyIntolerance"))
    await as_an_older_version_left_it(written)
    await written.change("DELETE FROM fhir_index WHERE resource_type = 'AllergyIntolerance'")
    content = "UPDATE fhir_resource SET content = '%s' WHERE id = %s"
    await written.change(content % ("no JSON", text[2:]))
    beside = "UPDATE fhir_resource SET content = '{\"name\"' WHERE resource_type = 'Patient'"
    await written.change(beside)
    before = await rows(written, fhir_index, resource=int(text[2:]))
    assert before
    assert await command(written) == 1
    told = capsys.readouterr()
    assert f"Goal/{text}: what is stored of it is no JSON" in told.err
    assert f"Patient/{patient['id']}: what is kept beside it is no JSON" in told.err
    assert "2 left" in told.out
    assert await rows(written, fhir_index, resource=int(text[2:])) == before
    assert await written.found("Goal", "_tag", "a") == [whole]
    assert allergy["id"] in await written.all_found("AllergyIntolerance", "criticality", "low")


@pytest.mark.parametrize("facade", ["embedded"], indirect=True)
async def test_a_batch_that_the_database_refuses_costs_one_resource(written: Written) -> None:
    made = [(await written.made(GOAL))["id"] for _ in range(3)]
    await as_an_older_version_left_it(written)
    refusing = f"CREATE TRIGGER refusing BEFORE INSERT ON fhir_index WHEN NEW.resource = {made[1][2:]}"
    await written.change(f"{refusing} BEGIN SELECT RAISE(ABORT, 'no'); END")
    try:
        progress = await run(written)
    finally:
        await written.change("DROP TRIGGER refusing")
    assert progress.done == 2
    assert "refuses" in progress.broken.pop(f"Goal/{made[1]}")
    assert progress.broken == {}
    assert await written.found("Goal", "_tag", "a") == [made[0], made[2]]


@pytest.mark.parametrize("resource", [GOAL, sample("Patient")], ids=["whole", "beside a row"])
async def test_a_write_under_way_is_waited_for_and_not_overtaken(
    written: Written, resource: dict[str, Any]
) -> None:
    kind, made = resource["resourceType"], await written.made(resource)
    await written.change("UPDATE fhir_resource SET indexed = 0")
    later = {**resource, "meta": {"tag": [{"system": "urn:t", "code": "later"}]}}
    async with written.writer() as writer:
        await writer.update(kind, made["id"], later)
        running = asyncio.create_task(run(written))
        done, _ = await asyncio.wait([running], timeout=0.3)
        assert not done
    assert (await running).broken == {}
    assert await written.found(kind, "_tag", "urn:t|later") == [made["id"]]
    assert await written.found(kind, "_tag", "urn:t|a") == []


async def tagged(written: Written, goal: str, tag: str) -> None:
    """Writes a tag; again where the database has ended one of two transactions, as writes over HTTP do."""
    for attempt in range(20):
        try:
            async with written.writer() as writer:
                await writer.update("Goal", goal, {**GOAL, "meta": {"tag": [{"code": tag}]}})
            return
        except RetryError:
            await asyncio.sleep(0.01 * attempt)
    raise AssertionError("never")


async def test_writes_go_on_meanwhile_and_are_found_by_their_last_values(written: Written) -> None:
    made = [(await written.made(GOAL))["id"] for _ in range(6)]

    async def write() -> None:
        for number in range(3):
            for id_ in made:
                await tagged(written, id_, f"n{number}")

    async def index() -> None:
        for _ in range(3):
            everything = work(written, batch=2)
            await everything.mark()
            assert (await everything.run(lambda _: None)).broken == {}

    await asyncio.gather(write(), index())
    assert await written.found("Goal", "_tag", "n2") == made
    assert await written.found("Goal", "_tag", "n0,n1,a") == []
    assert await work(written).left() == 0


def test_who_searches_by_other_parameters_raises_the_number_of_the_index() -> None:
    """Where this fails, raise INDEXED by one and write down both: what is stored is indexed anew by that."""
    searched = [
        (name, param, declared_type(name, m.params[param]), str(m.params[param].expression))
        for name, m in sorted(everything().items())
        for param in sorted(m.params)
        if any(p.native or p.amended for p in m.parts)
    ]
    digest = blake2b(repr(searched).encode(), digest_size=4).hexdigest()
    assert (INDEXED, digest) == (1, "f287e125")


async def test_doctor_says_what_lacks_search_values(written: Written) -> None:
    await written.made(GOAL)

    def examined() -> Any:
        settings = written.facade.settings
        with inspecting_engine(settings).connect() as connection:
            [found] = examine_search_values(connection, catalogue(connection, settings))
        return found

    assert examined().level is Level.FINE
    await written.change("UPDATE fhir_resource SET indexed = 0")
    found = examined()
    assert found.level is Level.ADVICE
    assert "1 resources" in found.text
    assert found.remedy == "fhir-facade reindex"
    await run(written)
    assert examined().level is Level.FINE
