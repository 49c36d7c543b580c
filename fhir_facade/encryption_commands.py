"""`fhir-facade encryption`: the keys of encryption at rest."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, column, func, inspect, select, table
from sqlalchemy.exc import DBAPIError

from fhir_facade.archive_keys import archive_files, reseal_files, tell_keys
from fhir_facade.encryption import at_rest_of, key_file, sealed_names
from fhir_facade.inspection import writing_engine
from fhir_facade.seal_command import carried_out, refusal
from fhir_facade.sealing_schema import stored
from fhir_facade.settings import SettingFault, Settings
from mappers.at_rest import AtRest
from mappers.column_seals import ColumnSeals, kept_anew
from mappers.key_file import KeyFileFault
from mappers.keyring import MARK, Keyring
from mappers.resealing import Change, Target
from mappers.stored.places import STORED


def add_to(commands: Any) -> None:
    """Adds `encryption` to the commands."""
    parser = commands.add_parser("encryption", help="the keys of encryption at rest")
    inner = parser.add_subparsers(required=True, metavar="what")
    rotating = inner.add_parser("rotate", help="add a key, which seals from now on; the others still open")
    rotating.add_argument(
        "--in-minutes",
        type=int,
        default=0,
        help="when it begins to seal: time to bring the file to all hosts (default 0: one host)",
    )
    rotating.set_defaults(run=rotate)
    resealing = inner.add_parser("reseal", help="seal everything under the newest key, online; resumable")
    resealing.add_argument("--batch", type=int, default=500, help="rows a transaction (default 500)")
    resealing.set_defaults(run=reseal)
    inner.add_parser("status", help="how much is sealed, by key").set_defaults(run=status)


def rotate(settings: Settings, chosen: argparse.Namespace) -> int:
    """A further key (the first, where there is no file yet); running servers follow by themselves."""
    file = key_file(settings)
    since = datetime.now(UTC) + timedelta(minutes=chosen.in_minutes)
    try:
        key = file.rotate(since) if file.path.exists() else file.create().keys[0]
    except (KeyFileFault, OSError) as fault:
        raise SettingFault(f"ENCRYPTION_KEYS_FILE: {fault}") from None
    print(f"{key.id} seals from {key.since:%Y-%m-%dT%H:%M:%SZ} on")
    print(f"back up {file.path} now, apart from the database: without it nothing can be opened")
    return 0


def reseal(settings: Settings, chosen: argparse.Namespace) -> int:
    """Seals what older keys sealed, and of its own what was kept in clear; 1 where rows can't be opened."""
    at_rest = at_rest_of(settings)
    keyring = at_rest.sealing
    if keyring is None:
        raise SettingFault("ENCRYPTION_KEYS_FILE: there are no keys, or ENCRYPTION_AT_REST is off")
    engine, code = writing_engine(settings), 0
    try:
        for target, change in _changes(engine, settings, at_rest, keyring):
            code = max(code, carried_out(engine, target, change, chosen.batch))
    except DBAPIError as error:
        raise SettingFault(f"DB_HOST: {refusal(error)}") from None
    finally:
        engine.dispose()
    return max(code, reseal_files(archive_files(settings, at_rest)))


def _changes(
    engine: Engine, settings: Settings, at_rest: AtRest, keyring: Keyring
) -> list[tuple[Target, Change]]:
    with engine.connect() as connection:
        held = set(inspect(connection).get_table_names())
        targets = [stored(connection, t, c).target for t, c in sorted(sealed_names(settings))]
    own = [(target, kept_anew(at_rest, keyring, place)) for target, place in STORED if target.table in held]
    return [*own, *((target, ColumnSeals(keyring, target).renewing()) for target in targets)]


def status(settings: Settings, chosen: argparse.Namespace) -> int:
    """Each column with its rows in clear and by key; 1 where a key is needed that isn't here."""
    keyring = at_rest_of(settings).keyring
    ids = keyring.ids if keyring else ()
    engine, code = writing_engine(settings), 0
    try:
        with engine.connect() as connection:
            held = set(inspect(connection).get_table_names())
            own = [(t.table, t.column) for t, _ in STORED if t.table in held]
            for name, column_name in [*own, *sorted(sealed_names(settings))]:
                counts = _counts(connection, name, column_name, ids)
                code = max(code, bool(counts.get("other keys")))
                told = ", ".join(f"{n:,} {what}" for what, n in counts.items() if n) or "empty"
                print(f"{name}.{column_name}: {told}")
    except DBAPIError as error:
        raise SettingFault(f"DB_HOST: {refusal(error)}") from None
    finally:
        engine.dispose()
    code = max(code, tell_keys(archive_files(settings, at_rest_of(settings)), ids))
    if keyring:
        print(f"{keyring.sealing} seals; {key_file(settings).path} has {len(ids)} keys")
    return code


def _counts(connection: Connection, name: str, column_name: str, ids: Sequence[str]) -> dict[str, int]:
    """Rows in clear, under each key, and under keys that aren't in the file."""
    value: Any = column(column_name)
    rows = select(func.count()).select_from(table(name, value))

    def count(condition: Any) -> int:
        return int(connection.execute(rows.where(condition)).scalar_one())

    sealed = count(value.like(f"{MARK}%"))
    by_key = {f"under {i}": count(value.like(f"{MARK}{i}$%")) for i in ids}
    clear = count(value.not_like(f"{MARK}%"))
    return {"in clear": clear, **by_key, "other keys": sealed - sum(by_key.values())}
