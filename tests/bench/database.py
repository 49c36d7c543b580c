"""A MariaDB with N laboratory results in it, kept between runs in the user's cache folder.

The legacy tables have indexes on keys only; `with_indexes` adds those that `fhir-facade doctor --ddl` advises
and takes them away again, so that both states are measured on the same rows.
"""

from __future__ import annotations

import fcntl
import hashlib
import inspect
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from mappers.cdss import tables
from mappers.demo import scale
from mappers.demo.hospital import demo_rows
from mappers.demo.loading import create_schemas, load
from tests.services import mariadb
from tests.services.database import DatabaseServer, Login, private_folder, started
from tests.services.packages import cache_folder, release, unpacked
from tests.services.process import free_port, listens, run, running

#: results of one patient, whatever the size: what one patient's search finds must not grow with it
RESULTS_PER_PATIENT = 100
OWNER, FACADE = Login("owner", "bench-owner"), Login("facade", "bench-facade")
#: tables whose rows grow with the size measured, and which the searches measured read
MEASURED = ("lis_labresult", "lis_specimen", "emr_patientcache")
POOL = "--innodb-buffer-pool-size=3G"


def patients_of(rows: int) -> int:
    """How many patients share so many results."""
    return max(1, rows // RESULTS_PER_PATIENT)


@contextmanager
def loaded_mariadb(rows: int) -> Iterator[DatabaseServer]:
    """A running MariaDB with the demo hospital's masters and `rows` bulk results."""
    with stopped_mariadb(rows) as (server, folder), started_mariadb(server, folder):
        without_own_tables(server)
        yield server


@contextmanager
def stopped_mariadb(rows: int) -> Iterator[tuple[DatabaseServer, Path]]:
    """A server that `started_mariadb` starts, and its folder; loaded by the first run."""
    folder = cache_folder() / f"bench-{rows}-{_fingerprint()}"
    with _locked(folder.with_suffix(".lock")):
        if not folder.exists():
            _load(folder, rows)
        yield DatabaseServer("mariadb", free_port(), OWNER, FACADE), folder


@contextmanager
def started_mariadb(server: DatabaseServer, folder: Path) -> Iterator[None]:
    """The server while it runs; it may be started again, with what it had."""
    with running(_command(folder, server), folder / "server.log", lambda: listens(server.port)):
        yield


@contextmanager
def with_indexes(server: DatabaseServer) -> Iterator[list[str]]:
    """The server while the indexes that `fhir-facade doctor --ddl` advises are there; their DDL."""
    without_indexes(server)
    found = advised(server)
    _change(server, *found)
    try:
        yield found
    finally:
        without_indexes(server)


@contextmanager
def durable(server: DatabaseServer) -> Iterator[None]:
    """The server while each commit is on disk before it answers, as a hospital's has to."""
    variable = "innodb_flush_log_at_trx_commit"
    with server.engine(server.owner).connect() as connection:
        before = connection.exec_driver_sql(f"SELECT @@{variable}").scalar_one()
        connection.exec_driver_sql(f"SET GLOBAL {variable} = 1")
        try:
            yield
        finally:
            connection.exec_driver_sql(f"SET GLOBAL {variable} = {before}")


def advised(server: DatabaseServer) -> list[str]:
    """Doctor's CREATE INDEX statements for lis_labresult and what is joined to it."""
    command = [sys.executable, "-m", "fhir_facade.cli", "doctor", "--ddl", "--min-rows", "1"]
    told = subprocess.run(
        command, env={**os.environ, **server.environment()}, capture_output=True, text=True, check=False
    )
    lines = [line.rstrip(";") for line in told.stdout.splitlines() if line.startswith("CREATE INDEX")]
    return [line for line in lines if any(f"`{name}`" in line for name in MEASURED)]


def without_indexes(server: DatabaseServer) -> None:
    """Takes away what `with_indexes` added, also what an interrupted run left behind."""
    with server.engine(server.owner).connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT DISTINCT TABLE_NAME, INDEX_NAME FROM information_schema.STATISTICS "
            "WHERE TABLE_SCHEMA = DATABASE() AND INDEX_NAME LIKE 'facade\\_%%'"
        ).all()
    _change(server, *(f"DROP INDEX `{index}` ON `{table}`" for table, index in found))


def without_own_tables(server: DatabaseServer) -> None:
    """Takes away the facade's own, whatever version made them: a trail that grew from run to run would be
    measured, and tables that are older than the migrations make the server serve without them.
    """
    with server.engine(server.owner).begin() as connection:
        found = connection.exec_driver_sql(
            "SELECT TABLE_NAME FROM information_schema.TABLES "
            "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'fhir\\_%%'"
        ).scalars()
        connection.exec_driver_sql("SET FOREIGN_KEY_CHECKS = 0")
        for name in found.all():
            connection.exec_driver_sql(f"DROP TABLE `{name}`")


def _change(server: DatabaseServer, *statements: str) -> None:
    with server.engine(server.owner).begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"ANALYZE TABLE {', '.join(MEASURED)}")


def _fingerprint() -> str:
    """Changes with the tables and the rows, so that what is kept is never out of date."""
    sources = "".join(inspect.getsource(part) for part in (tables, scale, _fill))
    return hashlib.sha256(sources.encode()).hexdigest()[:8]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _command(folder: Path, server: DatabaseServer) -> list[str]:
    root = unpacked("mariadb", release()["VERSION_CODENAME"], "mariadb-server-core")
    own = [f"--port={server.port}", f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}"]
    return [*mariadb._command(root, folder), *own, f"--tmpdir={folder}", POOL]


def _load(folder: Path, rows: int) -> None:
    """Makes the data folder beside its final place, and moves it there once it is whole."""
    print(f"loading {rows:,} results, once; kept in {folder}", flush=True)
    root = unpacked("mariadb", release()["VERSION_CODENAME"], "mariadb-server-core")
    with private_folder("bench") as fresh:
        command = [*mariadb._command(root, fresh), POOL]
        bootstrap = [*command, "--bootstrap", "--skip-networking"]
        run(bootstrap, fresh / "install.log", mariadb.BEFORE + mariadb._system_tables(root))
        with started(DatabaseServer("mariadb", free_port(), OWNER, FACADE), command, fresh) as server:
            _fill(server, rows)
        shutil.copytree(fresh / "data", folder.with_suffix(".part") / "data")
    folder.with_suffix(".part").rename(folder)


def _fill(server: DatabaseServer, rows: int) -> None:
    """The demo's staff and masters, and bulk results only: the demo's own would be on every first page."""
    demo = (row for row in demo_rows() if row[0] is not tables.lis_labresult)
    with server.engine(server.owner).begin() as connection:
        create_schemas(connection)
        load(connection, chain(demo, scale.scale_rows(patients_of(rows), rows)))
