"""A hospital whose columns are sealed, on each kind of database."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, inspect, text

from fhir_facade.encryption import key_file
from fhir_facade.seal_command import seal
from fhir_facade.settings import Settings
from mappers.sealed import BLIND
from tests.facade.facade import embedded_engine, embedded_folder, execute, settings_of
from tests.services.database import DatabaseServer

PATIENTS = "emr_patientcache"
COLUMNS = ("name", "name_en", "ssn", "phone", "address", "emergency_contact_name")
SEALED = ",".join(f"{PATIENTS}.{c}" for c in COLUMNS)


@dataclass(frozen=True)
class Hospital:
    """One hospital's databases, its settings and another program's access."""

    settings: Settings
    engine: Engine

    @property
    def sealed(self) -> Settings:
        """The settings once the columns are sealed."""
        return replace(self.settings, sealed_columns=SEALED)

    @property
    def sealed_name(self) -> Settings:
        """The settings once the name is sealed, and nothing else."""
        return replace(self.settings, sealed_columns=f"{PATIENTS}.name")

    def seal(self, column: str, table: str = PATIENTS, **changes: Any) -> int:
        """The command."""
        chosen = {"table": table, "column": column, "undo": False, "alter": False, "batch": 500} | changes
        return seal(self.settings, Namespace(**chosen))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """The command as a process of its own."""
        told = {k.upper(): str(v) for k, v in vars(self.settings).items() if v not in ("", None)}
        nowhere = subprocess.DEVNULL
        environment = {**os.environ, **told, "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-m", "fhir_facade.cli", *arguments]
        return subprocess.Popen(command, env=environment, stdout=nowhere, stderr=nowhere)

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql), values)]

    def execute(self, sql: str, **values: Any) -> None:
        """What another program writes."""
        with self.engine.begin() as connection:
            connection.execute(text(sql), values)

    def column(self, name: str, table: str = PATIENTS, key: str = "patient_id") -> dict[Any, Any]:
        """A column's values by key."""
        return dict(self.rows(f"SELECT {key}, {name} FROM {table}"))  # noqa: S608


@contextmanager
def hospital(folder: Path, server: DatabaseServer | None) -> Iterator[Hospital]:
    """A hospital with keys; a server's table is afterwards as it was."""
    if server is None:
        settings, engine = settings_of(embedded_folder(folder)), embedded_engine(folder)
    else:
        keys = folder / "facade.keys"
        settings = settings_of(folder, server, encryption_keys_file=str(keys))
        engine = server.engine(server.owner)
    key_file(settings).create()
    found = Hospital(settings, engine)
    whole = sorted(found.rows(f"SELECT * FROM {PATIENTS}"), key=str)  # noqa: S608
    with as_it_was(found, server):
        yield found
    assert sorted(found.rows(f"SELECT * FROM {PATIENTS}"), key=str) == whole  # noqa: S608


@contextmanager
def as_it_was(found: Hospital, server: DatabaseServer | None) -> Iterator[None]:
    """The patients' rows are put back at the end, and a server's table too."""
    rows = found.rows(f"SELECT patient_id, {', '.join(COLUMNS)} FROM {PATIENTS}")  # noqa: S608
    made = found.rows(f"SHOW CREATE TABLE {PATIENTS}")[0][1] if server else ""
    yield
    for key, *values in rows:
        told = ", ".join(f"{n} = :{n}" for n in COLUMNS)
        found.execute(
            f"UPDATE {PATIENTS} SET {told} WHERE patient_id = :k",  # noqa: S608
            k=key,
            **dict(zip(COLUMNS, values, strict=True)),
        )
    lenient = ["SET SESSION sql_mode = 'STRICT_TRANS_TABLES'"] if server else []  # rows with zero dates
    execute(found.engine, *lenient, *(sql for n in COLUMNS for sql in _restored(found, n, made)))


def _restored(found: Hospital, name: str, made: str) -> Iterator[str]:
    with found.engine.connect() as connection:
        there = {c["name"] for c in inspect(connection).get_columns(PATIENTS)}
        indexes = {i["name"] for i in inspect(connection).get_indexes(PATIENTS)}
    on = f" ON {PATIENTS}" if made else ""
    for index in (f"fhir_sealed_{PATIENTS}_{name}", f"fhir_clear_{PATIENTS}_{name}"):
        if index in indexes:
            yield f"DROP INDEX {index}{on}"
    if name + BLIND in there:
        yield f"ALTER TABLE {PATIENTS} DROP COLUMN {name}{BLIND}"
        if made and (definition := re.search(rf"^\s*`{name}` (.*?),?$", made, re.M)):
            yield f"ALTER TABLE {PATIENTS} MODIFY COLUMN {name} {definition[1]}"
