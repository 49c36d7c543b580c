"""The servers that are measured, each a process of its own, and what the system says of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from fhir_facade.authorization import administration_of
from fhir_facade.settings import Settings
from smart_auth.access.caller import User
from smart_auth.tokens.minting import Granted
from tests.services.database import DatabaseServer, private_folder
from tests.services.orthanc import OrthancServer
from tests.services.process import free_port, listens, running

ROOT = Path(__file__).parents[2]
PEER_PYTHON = ROOT / ".venv-bench/bin/python"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Served:
    """A running server; `token` is what it is asked with, if it asks for one."""

    name: str
    port: int
    pid: int
    token: str = ""

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
    """The server as `fhir-facade serve` starts it, one worker, with its own tables: what clients write is
    looked for at each row.
    """
    command = ["-m", "fhir_facade.cli", "serve"]
    with _server("ours", command, database.environment(), first=_migrated) as served:
        yield served


@contextmanager
def guarded(database: DatabaseServer) -> Iterator[Served]:
    """The server with access control and the audit trail, and the token of a doctor who uses it."""
    environment = {
        **database.environment(),
        "ENABLE_SECURITY": "true",
        "RATE_LIMIT_CALLER": "1000000000",
    }
    with _server("guarded", ["-m", "fhir_facade.cli", "serve"], environment, first=_migrated) as served:
        yield replace(served, token=token_of(served))


@contextmanager
def imaging(orthanc: OrthancServer) -> Iterator[Served]:
    """The server over the demo hospital and an Orthanc, with access control and the audit trail."""
    environment = {
        "ORTHANC_API_URL": orthanc.url,
        "ORTHANC_USERNAME": orthanc.username,
        "ORTHANC_PASSWORD": orthanc.password,
        "RATE_LIMIT_CALLER": "1000000000",
    }
    with _server("imaging", ["-m", "fhir_facade.cli", "serve"], environment) as served:
        yield replace(served, token=token_of(served))


def _migrated(environment: Mapping[str, str]) -> None:
    """The facade's own tables, and a signing key of this run's secret."""
    for command in (["migrate"], ["keys", "rotate", "--at-once"]):
        whole = [sys.executable, "-m", "fhir_facade.cli", *command]
        subprocess.run(whole, env={**os.environ, **environment}, check=True, stdout=subprocess.DEVNULL)


def token_of(served: Served) -> str:
    """An access token as the running server's own authorization server makes it, from its settings."""
    told = Path(f"/proc/{served.pid}/environ").read_bytes().decode().split("\0")
    settings = Settings.from_environment(dict(line.split("=", 1) for line in told if "=" in line))
    user = User("bench", "bench", "Bench", frozenset({"doctor"}), "Practitioner/user-2")
    granted = Granted("bench", ("user/*.rs",), user, "bench")
    return administration_of(settings).minting.access_token(granted, 3600)


@contextmanager
def floor(database: DatabaseServer, *, indexed: bool) -> Iterator[Served]:
    """The hand-written one, which knows whether doctor's indexes are there."""
    environment = {**database.environment(), "INDEXED": "yes" if indexed else ""}
    with _server("floor", _uvicorn("tests.bench.floor:app"), environment) as served:
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
    name: str,
    arguments: list[str],
    environment: Mapping[str, str],
    python: Path | None = None,
    first: Callable[[Mapping[str, str]], None] | None = None,
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
        if first:
            first(settings)
        command = [
            "env",
            *(f"{k}={v}" for k, v in settings.items()),
            str(python or sys.executable),
            *arguments,
        ]
        with running(command, folder / "server.log", lambda: listens(port)) as process:
            yield Served(name, port, process.pid)
