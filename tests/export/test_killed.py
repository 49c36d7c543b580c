"""A worker that is killed at any moment costs no resource, and doubles none."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from fhir_facade.export.work import KIND, Exporting
from tests.export.client import FIRST, exports_of, finished, kicked_off, lines
from tests.export.conftest import forget
from tests.export.deleting import deleted, goal, told_by
from tests.facade.facade import Facade, settings_of
from tests.services.database import DatabaseServer
from tests.writes.conftest import Written

LEASE = 1
PAGE = 1
KILLS = 3


def worker(facade: Facade) -> subprocess.Popen[bytes]:
    settings = facade.settings
    environment = {
        "PUBLIC_BASE_URL": settings.public_base_url,
        "DATA_DIR": settings.data_dir,
        "DB_HOST": settings.db_host,
        "DB_PORT": str(settings.db_port),
        "DB_USER": settings.db_user,
        "DB_PASSWORD": settings.db_password,
        "DB_NAME": settings.db_name,
        "OPENEMR_DB_NAME": settings.openemr_db_name,
        "ENABLE_SECURITY": "false",
        "AUDIT": "off",
    }
    command = [sys.executable, "-m", "tests.export.worker", str(PAGE), str(LEASE)]
    return subprocess.Popen(command, env={**os.environ, **environment})


def come_to(facade: Facade, job_id: str) -> str:
    job = exports_of(facade).jobs.get(job_id)
    assert job is not None
    return job.checkpoint


async def come_on(facade: Facade, job_id: str, before: str) -> None:
    """Waits until the job has come further."""
    end = time.monotonic() + 60
    while await asyncio.to_thread(come_to, facade, job_id) == before:
        assert time.monotonic() < end, "the job doesn't come on"
        await asyncio.sleep(0.02)


async def killed_again_and_again(facade: Facade) -> None:
    random, written = Random(7), Written(facade)
    gone = [await deleted(written, goal(FIRST)) for _ in range(3)]
    address = await kicked_off(facade, "$export?_since=1900-01-01T00:00:00Z")  # everything, and what has gone
    job_id = address.rpartition("/")[2]
    for _ in range(KILLS):
        process, kept = worker(facade), come_to(facade, job_id)
        try:
            await come_on(facade, job_id, kept)
            await asyncio.sleep(random.random() / 4)
        finally:
            process.kill()
            process.wait()
        await asyncio.sleep(LEASE + 1.1)
    exporting = exports_of(facade).runner.works[KIND]
    assert isinstance(exporting, Exporting)
    manifest = await finished(facade, address)
    job = exports_of(facade).jobs.get(job_id)
    assert job is not None
    assert job.attempt == KILLS + 1
    for entry in manifest["output"]:
        found = await lines(facade, entry)
        ids = [r["id"] for r in found]
        assert len(ids) == len(set(ids)), entry
        if entry["type"] != "AuditEvent":
            assert found == await facade.all(entry["type"])
    assert await told_by(facade, manifest) == gone
    await written.clear()
    files = sorted((facade.settings.data_path / "export" / job_id).iterdir())
    assert {f.name.split(".")[1] for f in files} >= {"1", "2"}  # several attempts wrote


async def test_a_killed_worker_loses_and_doubles_nothing_embedded(embedded_exporting: Facade) -> None:
    await killed_again_and_again(embedded_exporting)


async def test_a_killed_worker_loses_and_doubles_nothing_on_mariadb(
    mariadb: DatabaseServer, tmp_path: Path
) -> None:
    facade = Facade(settings_of(tmp_path, mariadb))
    await killed_again_and_again(facade)
    forget(facade)
    await facade.close()
