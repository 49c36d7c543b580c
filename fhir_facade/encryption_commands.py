"""`fhir-facade encryption`: the keys of encryption at rest."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from typing import Any

from fhir_facade.encryption import key_file
from fhir_facade.settings import SettingFault, Settings


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


def rotate(settings: Settings, chosen: argparse.Namespace) -> int:
    """A further key (the first, where there is no file yet); running servers follow by themselves."""
    from mappers.key_file import KeyFileFault

    file = key_file(settings)
    since = datetime.now(UTC) + timedelta(minutes=chosen.in_minutes)
    try:
        key = file.rotate(since) if file.path.exists() else file.create().keys[0]
    except (KeyFileFault, OSError) as fault:
        raise SettingFault(f"ENCRYPTION_KEYS_FILE: {fault}") from None
    print(f"{key.id} seals from {key.since:%Y-%m-%dT%H:%M:%SZ} on")
    print(f"back up {file.path} now, apart from the database: without it nothing can be opened")
    return 0
