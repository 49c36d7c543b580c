"""The command itself."""

from __future__ import annotations

import argparse
from typing import Any

from fhir_facade.settings import Settings


def add_to(commands: Any) -> None:
    """Adds `doctor` to the commands."""
    parser = commands.add_parser("doctor", help="compare the databases with what is read of them")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--ddl", action="store_true", help="only the statements that make the advised indexes"
    )
    parser.add_argument(
        "--min-rows", type=int, default=10_000, help="smaller tables need no index (default 10000)"
    )
    parser.set_defaults(run=doctor)


def doctor(settings: Settings, chosen: argparse.Namespace) -> int:
    """Prints what was found; 0: all is well, 1: advice or parts left out, 2: something can't be served."""
    from fhir_facade.app import database_of, session_zone, site_of
    from fhir_facade.doctor.examine import examine
    from fhir_facade.registry import by_type
    from mappers.engine import Engine

    mappings = by_type()
    engine = Engine(mappings, database_of(settings), site_of(settings))
    report = examine(settings, mappings, engine, session_zone(settings.site_timezone), chosen.min_rows)
    if chosen.ddl:
        print("\n".join(report.ddl))
        return 0
    print(report.json() if chosen.json else report.text())
    return report.exit_code
