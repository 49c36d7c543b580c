"""The servers that are measured, each a process of its own, and what the system says of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.database import DatabaseServer, private_folder
from tests.services.process import free_port, listens, running

ROOT = Path(__file__).parents[2]
PEER_PYTHON = ROOT / ".venv-bench/bin/python"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Served:
    """A running server."""

    name: str
    port: int
    pid: int

    def url(self, path: str) -> str:
        """The address of a path below the FHIR base."""
        return f"http://127.0.0.1:{self.port}/api/fhir/{path}"

    @property
    def cpu(self) -> float:
        """Seconds of CPU so far."""
        return cpu_seconds(self.pid)

    @property
    def rss(self) -> int:
        """Resident memory in KiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1])


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def ours(database: DatabaseServer) -> Iterator[Served]:
    """The server as `fhir-facade serve` starts it, one worker."""
    with _server("ours", ["-m", "fhir_facade.cli", "serve"], database.environment()) as served:
        yield served


@contextmanager
def floor(database: DatabaseServer) -> Iterator[Served]:
    """The hand-written one."""
    with _server("floor", _uvicorn("tests.bench.floor:app"), database.environment()) as served:
        yield served


@contextmanager
def noop() -> Iterator[Served]:
    """The one that does nothing."""
    with _server("no-op", _uvicorn("tests.bench.noop:app"), {}) as served:
        yield served


@contextmanager
def peer(database: DatabaseServer) -> Iterator[Served]:
    """fhirstarter, in its own environment."""
    command = _uvicorn("tests.bench.peer:app")
    with _server(
        "fhirstarter", command, {**database.environment(), "FHIR_SEQUENCE": "R4B"}, PEER_PYTHON
    ) as served:
        yield served


def _uvicorn(app: str) -> list[str]:
    return ["-m", "uvicorn", app, "--no-access-log", "--log-level", "warning", "--no-server-header"]


@contextmanager
def _server(
    name: str, arguments: list[str], environment: Mapping[str, str], python: Path | None = None
) -> Iterator[Served]:
    port = free_port()
    if "uvicorn" in arguments:
        arguments = [*arguments, "--port", str(port), "--loop", "uvloop", "--http", "httptools"]
    with private_folder(name) as folder:
        settings = {
            "PORT": str(port),
            "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
            "DATA_DIR": str(folder),
            **environment,
        }
        command = [
            "env",
            *(f"{k}={v}" for k, v in settings.items()),
            str(python or sys.executable),
            *arguments,
        ]
        with running(command, folder / "server.log", lambda: listens(port)) as process:
            yield Served(name, port, process.pid)
