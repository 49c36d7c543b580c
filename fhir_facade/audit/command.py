"""`fhir-facade audit verify`."""

from __future__ import annotations

import argparse
from itertools import chain
from typing import Any

from fhir_facade.settings import SettingFault, Settings


def add_to(commands: Any) -> None:
    """Adds `audit` to the commands."""
    parser = commands.add_parser("audit", help="the audit trail")
    inner = parser.add_subparsers(required=True, metavar="what")
    verifying = inner.add_parser("verify", help="prove that the trail is as it was written")
    verifying.set_defaults(run=verify)


def verify(settings: Settings, chosen: argparse.Namespace) -> int:
    """Prints every fault; 1 if there are any. Others may go on writing meanwhile."""
    from sqlalchemy.exc import DBAPIError

    from fhir_facade.audit.chain import heads
    from fhir_facade.audit.reading import due, snapshot, stored
    from fhir_facade.audit.seal import Seals, audit_key
    from fhir_facade.audit.verify import Examination
    from fhir_facade.audit.wiring import FOLDER
    from fhir_facade.inspection import inspecting_engine

    seals = Seals(audit_key(settings, make=False))
    folder = settings.data_path / FOLDER
    # the heads first: what they name is in any later view of the rows
    examination = Examination(seals, list(heads(folder, seals)), folder)
    count = 0
    try:
        with inspecting_engine(settings).connect() as connection:
            snapshot(connection)
            promised = examination.promised(due(connection))
            for fault in chain(promised, examination.faults(stored(connection))):
                count += 1
                print(fault)
    except DBAPIError as error:
        code = error.orig.args[0] if error.orig and error.orig.args else "?"
        raise SettingFault(f"DB_HOST: the trail can't be read ({code})") from None
    waiting = f", {examination.due} accesses still due" if examination.due else ""
    seen = f"{examination.rows} rows in {len(examination.chains)} chains{waiting}"
    print(f"{count} faults in {seen}" if count else f"{seen} are as they were written")
    return 1 if count else 0
