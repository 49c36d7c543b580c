"""Servers that are killed and started again, with what they had."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from sqlalchemy import Engine

from tests.conftest import fill
from tests.facade.facade import embedded_engine, embedded_folder
from tests.services import mariadb
from tests.services.database import private_folder, started, unstarted
from tests.services.packages import release, unpacked
from tests.services.process import free_port, listens, run, running

#: what lets a commit outlive the server, as docs/operations asks for; the tests' servers do without
DURABLE = ("--innodb-flush-log-at-trx-commit=1", "--innodb-doublewrite=ON")


class Mortal:
    """A process that may be killed; `start` starts it, again and again."""

    def __init__(self, start: Callable[[], AbstractContextManager[Popen[bytes]]]) -> None:
        self._start, self._stack = start, ExitStack()
        self._process = self._stack.enter_context(start())

    def kill(self) -> None:
        """SIGKILL: it can't finish anything."""
        self._process.kill()
        self._process.wait()

    def revive(self) -> None:
        """Starts it again; returns once it listens."""
        self._stack.close()
        self._process = self._stack.enter_context(self._start())

    def close(self) -> None:
        """Ends it in order."""
        self._stack.close()


@dataclass(frozen=True)
class Hospital:
    """A facade as `fhir-facade serve` starts it, the rows that it writes, and all that may be killed."""

    port: int
    rows: Engine
    environment: dict[str, str]
    mortals: tuple[Mortal, ...]


@contextmanager
def embedded_hospital(folder: Path) -> Iterator[Hospital]:
    """Over the embedded databases: the facade is the only server there is."""
    data = embedded_folder(folder)
    with _serving(folder, embedded_engine(data), {}, ()) as hospital:
        yield hospital


@contextmanager
def mariadb_hospital(folder: Path) -> Iterator[Hospital]:
    """Over a MariaDB of its own, whose commits are durable."""
    root = unpacked("mariadb", release()["VERSION_CODENAME"], "mariadb-server-core")
    with private_folder("mortal") as place, ExitStack() as stack:
        command = [*mariadb._command(root, place), *DURABLE]
        tables = mariadb.BEFORE + mariadb._system_tables(root)
        run([*command, "--bootstrap", "--skip-networking"], place / "install.log", tables)
        with started(unstarted("mariadb"), command, place) as server:
            fill(server)
        own = [f"--port={server.port}", f"--socket={place / 'socket'}", f"--tmpdir={place}"]
        log = place / "server.log"
        database = Mortal(lambda: running([*command, *own], log, lambda: listens(server.port)))
        stack.callback(database.close)
        rows = server.engine(server.owner)
        with _serving(folder, rows, server.environment(), (database,)) as hospital:
            yield hospital


@contextmanager
def _serving(
    folder: Path, rows: Engine, database: dict[str, str], others: tuple[Mortal, ...]
) -> Iterator[Hospital]:
    port = free_port()
    environment = {
        **database,
        "AUDIT": "on",
        "ENABLE_SECURITY": "false",
        "RATE_LIMIT_ANONYMOUS": "1000000000",
        "DATA_DIR": str(folder),
        "PORT": str(port),
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
    }
    command = [sys.executable, "-m", "fhir_facade.cli", "serve"]
    log = folder / "server.log"
    facade = Mortal(lambda: running(command, log, lambda: listens(port), environment=environment))
    try:
        yield Hospital(port, rows, environment, (facade, *others))
    finally:
        facade.close()
