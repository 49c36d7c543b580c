"""The command `user`: built-in users."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import Any

from fhir_facade.audit.administration import Act, recorded
from fhir_facade.authorization import administration_of
from fhir_facade.settings import SettingFault, Settings
from smart_auth import passwords
from smart_auth.access.caller import User
from smart_auth.store.users import Users

SHORTEST = 10
CHANGED = "user-security"
ADDED = Act(CHANGED, "user add", "username", ("name", "role", "fhir_user"))


def add_users(parser: Any) -> None:
    """Adds `user add`, `list`, `lock`, `unlock` and `password`."""
    users = parser.add_subparsers(required=True, metavar="command")
    adding = users.add_parser("add", help="a new user; the password is asked for, or read from a pipe")
    adding.add_argument("username")
    adding.add_argument("--name", required=True)
    adding.add_argument("--role", action="append", required=True, help="doctor, nurse, … (repeatable)")
    adding.add_argument("--fhir-user", default="", help="Practitioner/user-3, Patient/P-2025-000001")
    adding.set_defaults(run=recorded(ADDED, add_user))
    users.add_parser("list", help="all users").set_defaults(run=list_users)
    for name, run, text in (
        ("lock", lock_user, "end a user's sessions and tokens, and let them in no more"),
        ("unlock", unlock_user, "let a user in again, also after wrong passwords"),
        ("password", change_password, "a new password; sessions and tokens end"),
    ):
        one = users.add_parser(name, help=text)
        one.add_argument("username")
        one.set_defaults(run=recorded(Act(CHANGED, f"user {name}", "username"), run))


def add_user(settings: Settings, chosen: argparse.Namespace) -> int:
    """Adds a user; raises SettingFault for a name that is taken or a reference that can't be one."""
    kind, _, id_ = chosen.fhir_user.partition("/")
    if chosen.fhir_user and (kind not in ("Practitioner", "Patient", "PractitionerRole") or not id_):
        raise SettingFault("--fhir-user is Practitioner/…, PractitionerRole/… or Patient/…")
    user = User("", chosen.username, chosen.name, frozenset(chosen.role), chosen.fhir_user)
    try:
        Users(administration_of(settings).store).add(user, _password())
    except ValueError as fault:
        raise SettingFault(str(fault)) from None
    print(f"{chosen.username} may sign in")
    return 0


def list_users(settings: Settings, chosen: argparse.Namespace) -> int:
    """Every user, in a line each."""
    for user in Users(administration_of(settings).store).all():
        state = "locked" if user.locked else "open"
        print(f"{user.username}\t{state}\t{user.name}\t{user.roles}\t{user.fhir_user}")
    return 0


def lock_user(settings: Settings, chosen: argparse.Namespace) -> int:
    """Locks a user out, at once and on every worker."""
    return _change(settings, chosen.username, "is locked", ends=True, locked=True)


def unlock_user(settings: Settings, chosen: argparse.Namespace) -> int:
    """Lets a user in again."""
    return _change(
        settings, chosen.username, "may sign in", ends=False, locked=False, failures=0, locked_until=0
    )


def change_password(settings: Settings, chosen: argparse.Namespace) -> int:
    """A new password; what was begun with the old one ends."""
    kept = passwords.hashed(_password())
    return _change(settings, chosen.username, "has a new password", ends=True, password_hash=kept)


def _change(settings: Settings, username: str, said: str, *, ends: bool, **changes: str | bool | int) -> int:
    server = administration_of(settings)
    try:
        subject = Users(server.store).change(username, **changes)
    except ValueError as fault:
        raise SettingFault(str(fault)) from None
    if ends:
        server.sessions.end_all(subject, server.config.revoked_seconds)
    print(f"{username} {said}")
    return 0


def _password() -> str:
    text = getpass.getpass("password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(text) < SHORTEST:
        raise SettingFault(f"a password has at least {SHORTEST} characters")
    return text
