"""The command `consent`: which patients let somebody of outside see their record."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from typing import Any

from fhir_facade.audit.administration import Act, operator, recorded
from fhir_facade.audit.masking import hidden
from fhir_facade.authorization import made_store
from fhir_facade.settings import SettingFault, Settings
from mappers.database import SourceDownError
from smart_auth.store.consents import Consents
from smart_auth.store.transaction import now

DAY = 86400
GIVEN = Act("consent", "consent give", "grantee", ("days",))
WITHDRAWN = Act("consent", "consent withdraw", "id", ("grantee",))


def add_to(commands: Any) -> None:
    """Adds `consent give`, `list` and `withdraw`."""
    consent = commands.add_parser("consent", help="patients' consents for external users")
    parts = consent.add_subparsers(required=True, metavar="command")
    giving = parts.add_parser("give", help="let somebody see a patient's record")
    giving.add_argument("patient", help="the Patient's id")
    giving.add_argument("grantee", help="Practitioner/…, as the user's fhirUser says")
    giving.add_argument("--days", type=int, default=30, help="how long it is in force (default 30)")
    giving.set_defaults(run=recorded(GIVEN, give))
    parts.add_parser("list", help="all consents").set_defaults(run=list_all)
    ending = parts.add_parser("withdraw", help="end a consent at once")
    ending.add_argument("id")
    ending.set_defaults(run=recorded(WITHDRAWN, withdraw))


def give(settings: Settings, chosen: argparse.Namespace) -> int:
    """Keeps a consent; raises SettingFault for what can't be one."""
    if not chosen.grantee.startswith("Practitioner/") or chosen.days < 1:
        raise SettingFault("a consent is for Practitioner/… and at least one day")
    if not asyncio.run(_is_there(settings, chosen.patient)):
        raise SettingFault(f"there is no Patient/{hidden(chosen.patient)}")
    made = _consents(settings).give(chosen.patient, chosen.grantee, chosen.days * DAY, operator())
    print(made.id)
    return 0


async def _is_there(settings: Settings, patient: str) -> bool:
    """Whether somebody has that id: a consent of nobody would look like one, and open nothing."""
    from fhir_facade.app import service_of

    service = service_of(settings)
    try:
        return await service.engine.read("Patient", patient) is not None
    except SourceDownError as error:
        raise SettingFault(f"DB_HOST: the database can't be asked ({error})") from None
    finally:
        await service.engine.database.close()


def list_all(settings: Settings, chosen: argparse.Namespace) -> int:
    """Every consent, in a line each."""
    for one in _consents(settings).all():
        until = datetime.fromtimestamp(one.expires, UTC).isoformat(timespec="minutes")
        state = "withdrawn" if one.withdrawn else "over" if one.expires <= now() else "in force"
        print(f"{one.id}\t{state}\t{one.patient}\t{one.grantee}\tuntil {until}\tby {one.by_whom}")
    return 0


def withdraw(settings: Settings, chosen: argparse.Namespace) -> int:
    """Ends a consent; raises SettingFault where there is none."""
    ended = _consents(settings).withdraw(chosen.id)
    if ended is None:
        raise SettingFault("there is no consent in force with that id")
    chosen.patient, chosen.grantee = ended.patient, ended.grantee  # whom it concerns, for the audit trail
    print("withdrawn")
    return 0


def _consents(settings: Settings) -> Consents:
    return Consents(made_store(settings))
