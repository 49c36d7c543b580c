"""`fhir-facade seal`: a column of the hospital's is encrypted, or opened again, while the hospital works."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from fhir_facade.encryption import keyring_of
from fhir_facade.inspection import writing_engine
from fhir_facade.progress import each_second
from fhir_facade.registry import everything
from fhir_facade.sealing_schema import Stored, ddl, stored
from fhir_facade.settings import SettingFault, Settings
from mappers.column_seals import ColumnSeals
from mappers.keyring import Keyring
from mappers.resealing import Change, NotKeptError, Resealing, Target
from mappers.sealable import obstacles
from mappers.sealed import Sealed
from mappers.stored.guards import Guards


def add_to(commands: Any) -> None:
    """Adds `seal` to the commands."""
    parser = commands.add_parser("seal", help="encrypt a column of the CDSS, online; may be interrupted")
    parser.add_argument("table")
    parser.add_argument("column")
    parser.add_argument("--undo", action="store_true", help="open it again, to the byte as it was")
    parser.add_argument(
        "--alter", action="store_true", help="run the DDL that it needs, instead of printing it"
    )
    parser.add_argument("--batch", type=int, default=500, help="rows a transaction (default 500)")
    parser.set_defaults(run=seal)


def seal(settings: Settings, chosen: argparse.Namespace) -> int:
    """Seals what is in clear, or opens what is sealed; 1 where rows are left that can't be opened."""
    keyring = keyring_of(settings)
    if keyring is None:
        raise SettingFault(
            "ENCRYPTION_KEYS_FILE: there are no keys: `fhir-facade encryption rotate` makes them"
        )
    engine = writing_engine(settings)
    try:
        if chosen.undo:
            target = _found(engine, chosen).target
            return carried_out(engine, target, ColumnSeals(keyring, target).opening(), chosen.batch)
        target = _prepared(engine, chosen, keyring)
        return carried_out(engine, target, ColumnSeals(keyring, target).sealing(), chosen.batch)
    except DBAPIError as error:
        raise SettingFault(f"DB_HOST: {refusal(error)}") from None
    finally:
        engine.dispose()


def _found(engine: Engine, chosen: argparse.Namespace) -> Stored:
    with engine.connect() as connection:
        return stored(connection, chosen.table, chosen.column)


def _prepared(engine: Engine, chosen: argparse.Namespace, keyring: Keyring) -> Target:
    """The column with everything that it needs; SettingFault where it can't be sealed or isn't ready."""
    found = _found(engine, chosen)
    sealed = Sealed(keyring, frozenset({(chosen.table, chosen.column)}))
    if why := [*found.obstacles(), *obstacles(everything(), sealed)]:
        raise SettingFault(f"{chosen.table}.{chosen.column} can't be sealed: {'; '.join(why)}")
    with engine.connect() as connection:
        lacking = ddl(connection, found)
        if lacking and not chosen.alter:
            statements = "".join(f"\n  {sql};" for sql in lacking)
            raise SettingFault(
                f"{chosen.table}.{chosen.column} needs this first (--alter runs it):{statements}"
            )
        _alter(connection, lacking)
    return _found(engine, chosen).target


def _alter(connection: Connection, statements: Sequence[str]) -> None:
    """Runs the DDL. A table that is copied for it may hold zero dates, as legacy ones do."""
    if statements and connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'")
    for sql in statements:
        print(sql, flush=True)
        connection.exec_driver_sql(sql)
    connection.commit()


def carried_out(engine: Engine, target: Target, change: Change, batch: int) -> int:
    """Runs the change to its end; 1 where rows are left. What is done is told on standard error meanwhile."""
    guards = Guards(everything(), target.table, target.column)
    work = Resealing(engine, target, change, batch, guards)
    left = work.left()
    try:
        told = each_second(f"{target.table}.{target.column}", left)
        progress = work.run(lambda now: told(now.changed))
    except NotKeptError as fault:
        raise SettingFault(f"{fault}: it is as it was") from None
    for key, reason in progress.examples.items():
        print(f"{target.table}/{','.join(map(str, key))}: {reason}", file=sys.stderr)
    print(f"{target.table}.{target.column}: {progress.changed:,} rows changed, {work.left():,} left")
    return 1 if progress.unopenable else 0


def refusal(error: DBAPIError) -> str:
    """What the database says, by its number: its text may hold values."""
    code = error.orig.args[0] if error.orig and error.orig.args else type(error.orig).__name__
    return f"the database refuses ({code})"
