"""The command `fhir-facade`."""

from __future__ import annotations

import argparse
import ipaddress
import shlex
import sys
from collections.abc import Sequence
from urllib.parse import quote

from fhir_facade.archive_commands import add_to as archive_commands
from fhir_facade.audit.command import add_to as audit_command
from fhir_facade.auth_commands import add_to as auth_commands
from fhir_facade.consent_commands import add_to as consent_commands
from fhir_facade.demo_users import FILE, demo_users, password
from fhir_facade.doctor.command import add_to as doctor_command
from fhir_facade.documents import add_to as docs_command
from fhir_facade.encryption_commands import add_to as encryption_commands
from fhir_facade.keycloak_command import add_to as keycloak_command
from fhir_facade.reindex_command import add_to as reindex_command
from fhir_facade.seal_command import add_to as seal_command
from fhir_facade.set_up import add_to as set_up_commands
from fhir_facade.set_up import migrate_embedded
from fhir_facade.settings import SettingFault, Settings
from fhir_facade.trial_commands import add_to as trial_commands
from mappers.demo import IncompleteDatabaseError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 2 for a setting, an argument or embedded databases that can't be used."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.run(Settings.from_environment(), chosen) or 0)
    except (SettingFault, IncompleteDatabaseError) as fault:
        print(f"fhir-facade: {fault}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fhir-facade", description="FHIR R4 over the hospital's own databases"
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    serving = commands.add_parser("serve", help="start the server")
    serving.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    serving.set_defaults(run=serve)
    demo = commands.add_parser("demo-data", help="make the embedded demo databases and images in DATA_DIR")
    demo.set_defaults(run=demo_data)
    doctor_command(commands)
    docs_command(commands)
    set_up_commands(commands)
    keycloak_command(commands)
    auth_commands(commands)
    trial_commands(commands)
    consent_commands(commands)
    audit_command(commands)
    archive_commands(commands)
    encryption_commands(commands)
    seal_command(commands)
    reindex_command(commands)
    return parser


def serve(settings: Settings, chosen: argparse.Namespace) -> int:
    """Serves until it is stopped."""
    import uvicorn

    from fhir_facade.imaging.demo import make_demo_images

    check_binding(settings)
    prepare(settings)
    make_demo_images(settings)
    print(welcome(settings), flush=True)
    uvicorn.run(
        "fhir_facade.app:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=chosen.workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
    )
    return 0


def prepare(settings: Settings) -> None:
    """Makes what the embedded server starts with, once for all workers; raises SettingFault where something
    that access control needs is missing, or our own tables are older than this version.
    """
    from fhir_facade import drift
    from fhir_facade.app import policy_of
    from fhir_facade.authorization import check

    policy_of(settings)
    if settings.enable_security:
        check(settings)
    elif settings.embedded:
        migrate_embedded(settings)
    drift.check(settings)


def check_binding(settings: Settings) -> None:
    """Without access control the server listens on loopback only; raises SettingFault otherwise."""
    if settings.enable_security:
        return
    try:
        loopback = ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        loopback = settings.host == "localhost"
    if not loopback:
        raise SettingFault(
            "HOST: without access control the server binds to loopback only (127.0.0.1, ::1, localhost)"
        )


def welcome(settings: Settings) -> str:
    """What is printed at the start: where to look."""
    source = (
        f"embedded demo databases in {settings.data_path}"
        if settings.embedded
        else f"{settings.db_name} and {settings.openemr_db_name} on {settings.db_host}:{settings.db_port}"
    )
    base = settings.fhir_base
    lines = [
        f"NeuroNova FHIR facade · {source}",
        f"  start here     {settings.base_url}/",
        f"  FHIR R4        {base}  ({base}/metadata)",
        f"  a patient      {base}/Patient?name={quote('김')}",  # curl sends it as it stands
        f"  documentation  {settings.base_url}/api/docs/",
    ]
    return "\n".join([*lines, *_access(settings)])


def _access(settings: Settings) -> list[str]:
    """How one comes in."""
    if not settings.enable_security:
        return ["  access control is off (ENABLE_SECURITY): whoever reaches this address sees everything"]
    if not settings.embedded:
        return []
    names = " ".join(user.username for user in demo_users())
    return [
        f"  sign in as     {names}",
        f"  password       {password(settings.data_path)}  (of all demo users; {settings.data_path / FILE})",
        f'  a token        {_stated(settings)}.venv/bin/fhir-facade token --user doctor --scope "user/*.rs"',
    ]


def _stated(settings: Settings) -> str:
    """The settings that a command needs to be of this server, as they stand before it."""
    usual, named = Settings(), ("host", "port", "data_dir", "public_base_url")
    stated = {n: str(getattr(settings, n)) for n in named if getattr(settings, n) != getattr(usual, n)}
    return "".join(f"{name.upper()}={shlex.quote(value)} " for name, value in stated.items())


def demo_data(settings: Settings, chosen: argparse.Namespace) -> int:
    """Makes the embedded demo databases and images if they aren't there."""
    from fhir_facade.imaging.demo import make_demo_images

    migrate_embedded(settings)
    make_demo_images(settings)
    print(f"demo databases and images in {settings.data_path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
