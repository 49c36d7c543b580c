"""Where the trail can't be written nothing is served, and no fault of ours looks like an intruder's."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from fhir_facade.audit.sqlite_store import SqliteStore
from fhir_facade.audit.store import GoneError
from tests.audit.recording import Recording, forget, gone
from tests.facade.facade import Facade, embedded_folder, execute, settings_of, writer
from tests.services.database import CDSS, DatabaseServer, Login
from tests.services.process import free_port, listens, running
from tests.smart_auth.badges import Badges

READ = "Patient/P-2025-000001"


def refused(answer: httpx.Response) -> None:
    """A 503 that says why, and nothing of the patient."""
    assert answer.status_code == 503
    (issue,) = answer.json()["issue"]
    assert (issue["code"], issue["diagnostics"][:31]) == ("transient", "the audit trail can't be writte")
    assert "etag" not in answer.headers
    assert "P-2025" not in answer.text


async def test_without_its_table_nothing_is_answered_until_it_is_back(recording: Recording) -> None:
    assert (await recording.get(READ)).status_code == 200
    with gone(recording):
        for path in (READ, "Patient?_count=1", "Patient/nobody"):
            refused(await recording.get(path))
        assert (await recording.get("metadata", "")).status_code == 200
    assert (await recording.get(READ)).status_code == 200
    assert len(recording.records()) == 2
    assert recording.faults() == []


async def test_a_locked_table_is_waited_for_and_then_given_up(recording: Recording) -> None:
    await recording.get(READ)
    with recording.rows.connect() as other:
        locking = "BEGIN EXCLUSIVE" if recording.server is None else "LOCK TABLES fhir_audit WRITE"
        other.exec_driver_sql(locking)
        refused(await recording.get(READ))
        other.exec_driver_sql("ROLLBACK" if recording.server is None else "UNLOCK TABLES")
    assert (await recording.get(READ)).status_code == 200
    assert recording.faults() == []


async def test_a_look_that_was_given_up_is_nobody_elses_answer(recording: Recording) -> None:
    keeper = recording.facade.app.fhir.keeper
    assert keeper is not None
    store = keeper.trail.store
    await recording.get(READ)
    with recording.rows.connect() as other:
        other.exec_driver_sql("BEGIN" if recording.server is None else "LOCK TABLES fhir_audit_due WRITE")
        with suppress(TimeoutError):
            await asyncio.wait_for(store.still_due(["a", "b"]), 0.3)
        other.exec_driver_sql("ROLLBACK" if recording.server is None else "UNLOCK TABLES")
    await store.open()
    with pytest.raises(GoneError):
        await store.write([], ["nothing"])
    assert (await recording.get(READ)).status_code == 200
    assert len(recording.records()) == 2
    assert recording.faults() == []


async def test_a_full_disk_refuses_and_leaves_a_whole_trail(embedded_recording: Recording) -> None:
    await embedded_recording.get(READ)
    keeper = embedded_recording.facade.app.fhir.keeper
    assert keeper is not None
    store = keeper.trail.store
    assert isinstance(store, SqliteStore)
    loop = asyncio.get_running_loop()

    def limit(pages: int) -> None:
        assert store._connection is not None
        store._connection.execute(f"PRAGMA max_page_count = {pages}")

    await loop.run_in_executor(store._thread, limit, 1)
    answers = [await embedded_recording.get(f"{READ}?_elements={'a' * 60}{n}") for n in range(20)]
    answers += [await embedded_recording.get(READ) for _ in range(40)]
    assert any(a.status_code == 503 for a in answers)
    served = sum(a.status_code in (200, 400) for a in answers)
    assert len(embedded_recording.records()) == served + 1
    assert embedded_recording.faults() == []


async def test_where_it_may_be_lost_the_loss_is_logged_and_counted(
    embedded_recording: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    facade = Facade(replace(embedded_recording.facade.settings, audit_required=False), Badges())
    lenient = Recording(facade, facade.app.fhir.guard.callers, embedded_recording.rows)  # type: ignore[attr-defined]
    with gone(embedded_recording):
        assert (await lenient.get(READ)).status_code == 200
    assert "NOT RECORDED (1 so far): read" in caplog.text
    await facade.close()


async def test_a_user_who_may_only_add_and_read_writes_the_trail(
    mariadb: DatabaseServer, tmp_path: Path
) -> None:
    """And one who may not add is answered nothing."""
    owner = mariadb.engine(mariadb.owner)
    login = Login("trail_only", "of-tests")
    rights = [
        f"CREATE USER '{login.name}'@'%' IDENTIFIED BY '{login.password}'",
        f"GRANT SELECT ON {CDSS}.* TO '{login.name}'@'%'",
        f"GRANT SELECT ON openemr.* TO '{login.name}'@'%'",
    ]
    granted = [
        f"GRANT INSERT ON {CDSS}.{t} TO '{login.name}'@'%'" for t in ("fhir_audit", "fhir_audit_event")
    ]
    server = replace(mariadb, facade=login)
    execute(owner, *rights)
    facade = Facade(settings_of(tmp_path, server, audit="on"))
    with forget(owner):
        try:
            refused(await facade.get(READ))
            execute(owner, *granted)
            assert (await facade.get(READ)).status_code == 200
            assert Recording(facade, Badges(), writer(facade, mariadb)).faults() == []
        finally:
            await facade.close()
            execute(owner, f"DROP USER '{login.name}'@'%'")


async def test_a_lost_connection_costs_no_answer(recording: Recording) -> None:
    if recording.server is not None:
        await recording.get(READ)
        with recording.server.engine(recording.server.owner).connect() as other:
            wanted = "SELECT id FROM information_schema.processlist WHERE user = :user AND command = 'Sleep'"
            for one in other.execute(text(wanted), {"user": recording.server.facade.name}).scalars().all():
                other.exec_driver_sql(f"KILL {one}")
    assert (await recording.get(READ)).status_code == 200
    assert recording.faults() == []


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.facade.facade import Facade, settings_of
facade = Facade(settings_of(Path(sys.argv[1]), audit="on"))
write, calls = os.pwrite, []
def dying(*arguments):
    calls.append(1)
    if len(calls) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(*arguments)
os.pwrite = dying
async def main():
    for _ in range(9):
        print((await facade.get("Patient/P-2025-000001")).headers["x-request-id"], flush=True)
asyncio.run(main())
"""


def killed(folder: Path) -> subprocess.CompletedProcess[str]:
    """What a process did that died as soon as its third access was committed."""
    return subprocess.run([sys.executable, "-c", KILLED, str(folder)], capture_output=True, text=True)


async def test_a_worker_killed_between_commit_and_head_leaves_no_fault(tmp_path: Path) -> None:
    folder = embedded_folder(tmp_path)
    found = await asyncio.to_thread(killed, folder)
    assert found.returncode == -signal.SIGKILL, found.stderr
    facade = Facade(settings_of(folder, audit="on"))
    recording = Recording(facade, Badges(), writer(facade))
    answered = found.stdout.split()
    assert len(answered) == 2  # the head is written once for the chain, then once an access
    assert [r["request"] for r in recording.records()][:2] == answered
    assert len(recording.records()) == 3
    assert (await facade.get(READ)).status_code == 200
    await facade.close()
    assert recording.faults() == []


async def test_a_server_killed_under_load_has_recorded_all_that_it_answered(tmp_path: Path) -> None:
    folder, port = embedded_folder(tmp_path), free_port()
    environment = {"AUDIT": "on", "ENABLE_SECURITY": "false", "DATA_DIR": str(folder), "PORT": str(port)}
    command = [sys.executable, "-m", "fhir_facade.cli", "serve"]
    answered: list[str] = []
    enough = asyncio.Event()
    log = tmp_path / "server.log"
    with running(command, log, lambda: listens(port), environment=environment) as server:
        load = [asyncio.create_task(ask(port, answered, enough)) for _ in range(8)]
        await enough.wait()
        server.kill()
        await asyncio.gather(*load)
    facade = Facade(settings_of(folder, audit="on"))
    recording = Recording(facade, Badges(), writer(facade))
    assert set(answered) <= {r["request"] for r in recording.records()}
    assert recording.faults() == []
    await facade.close()


async def ask(port: int, answered: list[str], enough: asyncio.Event) -> None:
    """Asks on and on until the server is gone."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/fhir/") as client:
        with suppress(httpx.TransportError):
            while True:
                answer = await client.get(READ)
                assert answer.status_code == 200, answer.text
                answered.append(answer.headers["x-request-id"])
                if len(answered) > 200:
                    enough.set()
