"""The embedded databases: cdss.db and openemr.db, made once with the demo's rows."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import MetaData, create_engine, inspect
from sqlalchemy.pool import NullPool

from mappers.cdss.tables import CDSS
from mappers.demo.hospital import cdss_rows, openemr_rows
from mappers.demo.loading import load
from mappers.demo.rows import Row
from mappers.openemr.tables import OPENEMR

CDSS_FILE = "cdss.db"
OPENEMR_FILE = "openemr.db"
PARTS: tuple[tuple[str, MetaData, Callable[[], Iterable[Row]]], ...] = (
    (OPENEMR_FILE, OPENEMR, openemr_rows),
    (CDSS_FILE, CDSS, cdss_rows),
)


class IncompleteDatabaseError(Exception):
    """A database file has tables, but not all of them: it is neither ours nor empty, so it is left alone."""


def create_embedded(data_dir: str | Path) -> bool:
    """Make the databases that are missing in a folder, whole or not at all; True if anything was made."""
    folder = Path(data_dir)
    with alone(folder):
        made = [_create(folder / name, metadata, rows) for name, metadata, rows in PARTS]
    return any(made)


def _create(path: Path, metadata: MetaData, rows: Callable[[], Iterable[Row]]) -> bool:
    if _complete(path, metadata):
        return False
    building = path.with_suffix(".building")
    building.unlink(missing_ok=True)
    _build(building, metadata, rows())
    # Renamed only when all rows are in and the write-ahead log is merged: nobody sees half a database.
    os.replace(building, path)
    return True


def _complete(path: Path, metadata: MetaData) -> bool:
    """Whether the file has all tables; a missing one has not, nor has the empty one of a stray connection."""
    if not path.exists() or path.stat().st_size == 0:
        return False
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    present = set(inspect(engine).get_table_names())
    missing = {table.name for table in metadata.tables.values()} - present
    if missing and present:
        lacking = ", ".join(sorted(missing))
        raise IncompleteDatabaseError(f"{path} lacks {lacking}: move it away, or name another DATA_DIR")
    return not missing


def _build(path: Path, metadata: MetaData, rows: Iterable[Row]) -> None:
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool,
        # Here OpenEMR's tables are the file's own, not those of an attached schema.
        execution_options={"schema_translate_map": {"openemr": None}},
    )
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        metadata.create_all(connection)
        load(connection, rows)
        connection.commit()
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def alone(folder: Path, name: str = ".creating") -> Iterator[None]:
    """Several workers may start at once: one works on the databases, the others wait for it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
