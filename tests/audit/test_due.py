"""No write is ever without its record: it is promised in the write's own transaction, and kept once."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from sqlalchemy import text

from fhir_facade.audit.event import Event
from fhir_facade.audit.sqlite_store import SqliteStore
from fhir_facade.audit.trail import TrailDownError
from tests.audit.recording import Recording, gone
from tests.audit.test_faults import READ, refused
from tests.facade.facade import Facade, execute
from tests.interactions.client import FIRST, Client, basic, entry, goal
from tests.interactions.conftest import emptied
from tests.smart_auth.badges import user


def administrator(recording: Recording) -> Client:
    """A client that may write everything."""
    return Client(recording.facade, authorization=recording.badges.badge("user/*.cruds", user("admin")))


@pytest_asyncio.fixture
async def client(recording: Recording) -> AsyncIterator[Client]:
    """One over each kind of database in turn; what is written is gone afterwards."""
    yield administrator(recording)
    await emptied(recording.facade)


def written(recording: Recording) -> int:
    """How many versions clients have written."""
    with recording.rows.connect() as connection:
        return int(connection.execute(text("SELECT COUNT(*) FROM fhir_version")).scalar_one())


async def test_each_request_of_a_bundle_is_promised_with_what_it_writes(
    embedded_recording: Recording,
) -> None:
    client = administrator(embedded_recording)
    await client.bundle("transaction", entry("POST", "Goal", goal()), entry("GET", FIRST))
    await client.bundle("batch", entry("POST", "Goal", goal()), entry("GET", FIRST))
    told = [r["event"] for r in embedded_recording.records()]
    assert (told[:3], sorted(told[3:])) == (["transaction", "create", "read"], ["batch", "create", "read"])
    assert embedded_recording.due() == 0


async def test_while_the_trail_is_away_nothing_is_written(embedded_recording: Recording) -> None:
    recording, client = embedded_recording, administrator(embedded_recording)
    made = await client.made(goal())
    path, kept = f"Goal/{made['id']}", written(recording)
    with gone(recording):
        refused(await recording.get(READ))
        for answer in (
            await client.post("Goal", goal()),
            await client.put(path, made),
            await client.delete(path),
            await client.bundle("transaction", entry("POST", "Goal", goal())),
        ):
            refused(answer)
            assert answer.json()["issue"][0]["diagnostics"].endswith("nothing is written")
        refused(await client.bundle("batch", entry("POST", "Goal", goal())))
        assert written(recording) == kept
        assert recording.due() == 0
    assert (await client.put(path, made)).status_code == 200
    assert recording.faults() == []


async def test_a_write_whose_trail_is_lost_meanwhile_is_recorded_later_and_once(
    recording: Recording, client: Client
) -> None:
    made = await client.made(basic("one"))
    assert [r["id"] for r in recording.records()] == [made["id"]]
    assert recording.due() == 0
    with gone(recording):
        answer = await client.post("Goal", goal())
        assert answer.status_code == 201  # done, and promised: to refuse it would have it sent again
        assert recording.due() == 1
        refused(await client.post("Goal", goal()))
        with pytest.raises(TrailDownError):
            await recording.overdue.settle()
    assert (await recording.overdue.settle(60), recording.due()) == (0, 1)
    assert (await recording.overdue.settle(), recording.due()) == (1, 0)
    assert await recording.overdue.settle() == 0
    asked = answer.headers["x-request-id"]
    (record,) = [r for r in recording.records() if r["request"] == asked]
    assert (record["event"], record["status"], record["id"]) == ("create", 201, answer.json()["id"])
    assert record["user"]["username"] == "admin"
    assert recording.faults() == []


async def test_what_several_processes_see_to_is_recorded_once(recording: Recording, client: Client) -> None:
    other = Facade(recording.facade.settings, recording.badges)
    second = Recording(other, recording.badges, recording.rows, recording.server)
    keeper = recording.facade.app.fhir.keeper
    assert keeper is not None
    await client.made(basic("one"))
    told = [r["request"] for r in recording.records()]
    due = [keeper.trail.due([Event("read", request_id=f"cut-off-{n}")]) for n in range(8)]
    with recording.rows.begin() as connection:
        for one in due:
            connection.execute(keeper.keeping(one))
    await asyncio.gather(*(r.overdue.settle() for r in (recording, second, recording, second)))
    await other.close()
    requests = [r["request"] for r in recording.records()]
    assert sorted(requests) == sorted([*told, *(f"cut-off-{n}" for n in range(8))])
    assert recording.due() == 0
    assert recording.faults() == []


async def test_nobody_without_the_key_has_the_trail_say_what_never_was(embedded_recording: Recording) -> None:
    await embedded_recording.get(READ)
    made = "INSERT INTO fhir_audit_due VALUES ('0123456789abcdef0123456789abcdef', 1, '[{}]', '{}')"
    execute(embedded_recording.rows, made.format('{"event": "read", "outcome": "0"}', "0" * 32))
    assert await embedded_recording.overdue.settle() == 0
    assert len(embedded_recording.records()) == 1
    assert [fault.kind for fault in embedded_recording.faults()] == ["inserted"]


async def test_a_write_costs_the_trail_one_statement_more_than_a_read(embedded_recording: Recording) -> None:
    client = administrator(embedded_recording)
    await client.made(goal())  # from here on everything is at hand
    keeper = embedded_recording.facade.app.fhir.keeper
    assert keeper is not None
    store = keeper.trail.store
    assert isinstance(store, SqliteStore)
    assert store._connection is not None
    told: list[str] = []
    tracing = store._connection.set_trace_callback
    await asyncio.get_running_loop().run_in_executor(store._thread, tracing, told.append)
    await client.get(FIRST)
    read = [statement.split()[0] for statement in told]
    told.clear()
    await client.made(goal())
    assert read == ["BEGIN", "INSERT", "INSERT", "COMMIT"]
    assert [statement.split()[0] for statement in told] == ["BEGIN", "DELETE", "INSERT", "INSERT", "COMMIT"]


KILLED = """
import asyncio, json, os, signal, sys
from fhir_facade.settings import Settings
from tests.facade.facade import Facade
from tests.interactions.client import Client, goal
facade = Facade(Settings(**json.loads(sys.argv[1])))
store = type(facade.app.fhir.keeper.trail.store)
write = store.write
async def dying(self, rows, due=()):
    if due:
        os.kill(os.getpid(), signal.SIGKILL)
    await write(self, rows, due)
store.write = dying
async def main():
    await facade.get("Patient/P-2025-000001")
    print("reading is recorded", flush=True)
    await Client(facade, x_request_id="the-one-that-was-cut-off").made(goal())
asyncio.run(main())
"""


@pytest.mark.parametrize("recording", ["embedded", "mysql"], indirect=True)
async def test_a_worker_killed_between_write_and_record_owes_it_and_another_one_pays(
    recording: Recording, client: Client
) -> None:
    kept, settings = written(recording), replace(recording.facade.settings, enable_security=False)
    command = [sys.executable, "-c", KILLED, json.dumps(vars(settings))]
    found = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (-signal.SIGKILL, "reading is recorded\n"), found.stderr
    assert (written(recording) - kept, recording.due(), len(recording.records())) == (1, 1, 1)
    overdue = recording.overdue
    overdue.start()
    for _ in range(2000):
        if not recording.due():
            break
        await asyncio.sleep(0.01)
    await overdue.stop()
    assert [(r["event"], r["request"]) for r in recording.records()][1:] == [
        ("create", "the-one-that-was-cut-off")
    ]
    assert recording.faults() == []
