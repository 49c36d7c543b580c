"""The commands `token` and `launch`: for trying things on the demo, as one of its users."""

from __future__ import annotations

import argparse
import json
from typing import Any

from fhir_facade.authorization import administration_of
from fhir_facade.settings import SettingFault, Settings
from smart_auth.access.allowing import fitting, known
from smart_auth.access.caller import User
from smart_auth.access.scopes import split
from smart_auth.endpoints.launches import launch
from smart_auth.faults import UnrecordedFault
from smart_auth.seal import fresh
from smart_auth.server import AuthorizationServer
from smart_auth.store.tables import Grant
from smart_auth.store.transaction import now
from smart_auth.store.users import Users
from smart_auth.tokens.minting import Granted, person_json

CLIENT_ID = "fhir-facade-token"
BY_COMMAND = "printed by the command token"


def add_to(commands: Any) -> None:
    """Adds the commands."""
    trying = commands.add_parser("token", help="print an access token of a demo user")
    trying.add_argument("--user", required=True)
    trying.add_argument("--scope", required=True)
    trying.add_argument("--patient", default="", help="the patient of patient/ scopes")
    trying.set_defaults(run=print_token)
    launching = commands.add_parser("launch", help="print an EHR launch of a demo user")
    launching.add_argument("--user", required=True)
    launching.add_argument("--patient", required=True)
    launching.add_argument("--encounter", default="")
    launching.add_argument("--client", default="", help="the app; its launch URL is printed with the launch")
    launching.set_defaults(run=print_launch)


def print_token(settings: Settings, chosen: argparse.Namespace) -> int:
    """Prints an access token and nothing else; raises SettingFault where nothing can be granted."""
    server = _demo(settings)
    user = _user(server, chosen.user)
    own = user.fhir_user.removeprefix("Patient/") if user.fhir_user.startswith("Patient/") else ""
    context = {"patient": chosen.patient or own} if chosen.patient or own else {}
    scopes = fitting(server.grantable(user, known(split(chosen.scope))), dict(context))
    if not scopes:
        raise SettingFault("--scope: nothing of it can be granted (patient/ scopes need --patient)")
    granted = Granted(CLIENT_ID, tuple(scopes), user, fresh(), dict(context))
    server.families.keep(_grant(server, granted, user))
    token = server.minting.access_token(granted, server.config.access_seconds)
    who = {"client_id": CLIENT_ID, "subject": user.subject, "username": user.username}
    about = {"scope": " ".join(scopes), "patient": context.get("patient", "")}
    _told(server, "token", **who, **about, reason=BY_COMMAND)
    print(token)
    return 0


def _told(server: AuthorizationServer, kind: str, **details: str) -> None:
    try:
        server.events(kind, **details)
    except UnrecordedFault as fault:
        raise SettingFault(fault.description) from None


def _grant(server: AuthorizationServer, granted: Granted, user: User) -> Grant:
    return Grant(
        id=granted.grant,
        client_id=granted.client_id,
        subject=user.subject,
        person=server.seals.rows.seal([person_json(user), ""]),
        scopes=" ".join(granted.scopes),
        context=json.dumps(granted.context),
        created=now(),
        expires=now() + server.config.grant_seconds,
    )


def print_launch(settings: Settings, chosen: argparse.Namespace) -> int:
    """Prints the launch, and where a browser goes with it if the app says where."""
    server = _demo(settings)
    context = {"patient": chosen.patient, "need_patient_banner": True}
    if chosen.encounter:
        context["encounter"] = chosen.encounter
    try:
        made = launch(server, _user(server, chosen.user), context, chosen.client)
    except UnrecordedFault as fault:
        raise SettingFault(fault.description) from None
    for name, value in made.items():
        print(f"{name}\t{value}")
    return 0


def _demo(settings: Settings) -> AuthorizationServer:
    if not settings.embedded or settings.keycloak_url:
        raise SettingFault("DB_HOST, KEYCLOAK_URL: this is for the demo's built-in users only")
    return administration_of(settings, recording=True)


def _user(server: AuthorizationServer, username: str) -> User:
    user = Users(server.store).named(username)
    if user is None:
        raise SettingFault(f"--user: there is no user {username}, or they are locked")
    return user
