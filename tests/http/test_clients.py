"""Clients that others wrote walk a patient's whole record, embedded and on MariaDB, without stumbling."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients import Summary, walk_fhirpy, walk_javascript
from tests.facade.facade import embedded_folder
from tests.services.database import DatabaseServer
from tests.services.process import free_port, listens, running


@contextmanager
def served(data: Path, **environment: str) -> Iterator[str]:
    """The FHIR base of a server that runs as a program of its own."""
    port = free_port()
    os.environ.update(
        sent := {"DATA_DIR": str(data), "PORT": str(port), "ENABLE_SECURITY": "false", **environment}
    )
    try:
        command = [sys.executable, "-m", "fhir_facade.cli", "serve"]
        with running(command, data / "server.log", lambda: listens(port)):
            yield f"http://127.0.0.1:{port}/api/fhir"
    finally:
        for name in sent:
            del os.environ[name]


def is_whole(summary: Summary) -> None:
    """Everything was read, and nothing led nowhere."""
    assert summary.is_clean, (summary.errors, summary.unresolved[:5])
    assert summary.counts["Observation"] > 10
    assert summary.resolved > 0


@pytest.mark.parametrize("on", ["embedded", "mariadb"])
async def test_a_record_is_walked_by_both_clients(
    request: pytest.FixtureRequest, tmp_path: Path, mariadb: DatabaseServer, on: str
) -> None:
    environment = mariadb.environment() if on == "mariadb" else {}
    with served(embedded_folder(tmp_path) if on == "embedded" else tmp_path, **environment) as base:
        is_whole(await walk_fhirpy(base, "김영희"))
        is_whole(await walk_javascript(base, "김영희"))
