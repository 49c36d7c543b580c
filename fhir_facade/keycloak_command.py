"""The command `keycloak provision`: a realm of Keycloak's as the facade needs it."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Iterator
from typing import Any

from fhir_facade.demo_users import demo_users as built_in_users
from fhir_facade.identity import check_realm, known_roles
from fhir_facade.settings import SettingFault, Settings
from smart_auth.identity.keycloak.wanted import PREFIX, DemoUser, Wanted

NEEDED = ("keycloak_url", "keycloak_client_secret", "keycloak_admin_user", "keycloak_admin_password")


def add_to(commands: Any) -> None:
    """Adds `keycloak` with its one sub-command."""
    keycloak = commands.add_parser("keycloak", help="set Keycloak up")
    parser = keycloak.add_subparsers(required=True, metavar="command").add_parser(
        "provision", help="make or mend the realm, the facade's client, roles and policies"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would change")
    parser.add_argument("--demo", action="store_true", help="make the demo hospital's users too")
    parser.set_defaults(run=provision)


def provision(settings: Settings, chosen: argparse.Namespace) -> int:
    """Says what it changes; 1 if Keycloak would send browsers elsewhere than here, 2 if it refuses."""
    from smart_auth.identity.keycloak.provision import ProvisionFault, issuer
    from smart_auth.identity.keycloak.provision import provision as changes

    check(settings)
    password = secrets.token_urlsafe(12)
    wanted = wanted_of(settings, tuple(demo_users(password)) if chosen.demo else ())
    operator = (settings.keycloak_url, settings.keycloak_admin_user, settings.keycloak_admin_password)
    try:
        said = []
        for line in changes(*operator, wanted, dry_run=chosen.dry_run):
            print(f"{'would change' if chosen.dry_run else 'changed'}  {line}", flush=True)
            said.append(line)
        print_end(said, password, dry_run=chosen.dry_run)
        return check_issuer(settings, issuer(settings.keycloak_url, settings.keycloak_realm))
    except ProvisionFault as fault:
        print(f"fhir-facade: {fault}", file=sys.stderr)
        return 2


def check(settings: Settings) -> None:
    """Raises SettingFault for what is missing, and for a realm that is not to be touched."""
    missing = [name.upper() for name in NEEDED if not getattr(settings, name)]
    if missing:
        raise SettingFault(f"{', '.join(missing)} must be set to provision Keycloak")
    check_realm(settings)


def wanted_of(settings: Settings, users: tuple[DemoUser, ...] = ()) -> Wanted:
    """What the realm has to hold under these settings."""
    from fhir_facade.app import policy_of

    return Wanted(
        settings.keycloak_realm,
        settings.keycloak_client_id,
        settings.keycloak_client_secret,
        settings.base_url,
        known_roles(policy_of(settings)),
        users,
        settings.keycloak_backchannel_url,
    )


def demo_users(password: str) -> Iterator[DemoUser]:
    """The demo hospital's users; its patients are tied to their records, staff are found by user name."""
    from mappers.demo.hospital import demo_rows

    names = {row["username"]: row for table, row in demo_rows() if table.name == "accounts_user"}
    for user in built_in_users():
        row = names[user.username]
        fhir_user = user.fhir_user if "patient" in user.roles else ""
        yield DemoUser(
            user.username, password, row["first_name"], row["last_name"], tuple(user.roles), fhir_user
        )


def print_end(said: list[str], password: str, *, dry_run: bool) -> None:
    """What there is to say after the changes."""
    if not said:
        print("nothing to change")
    if not dry_run and any(line.startswith("demo user") for line in said):
        print(f"password of the new demo users: {password}")


def check_issuer(settings: Settings, found: str) -> int:
    """1, and a word why, if Keycloak's own idea of its address isn't the one that browsers must use."""
    expected = f"{settings.base_url}{PREFIX}/realms/{settings.keycloak_realm}"
    if found in ("", expected):
        return 0
    print(
        f"fhir-facade: Keycloak calls its realm {found}, and sign-in will fail: "
        f"start it with --hostname={settings.base_url}{PREFIX}",
        file=sys.stderr,
    )
    return 1
