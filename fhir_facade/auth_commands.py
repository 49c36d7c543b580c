"""The commands `client`, `user` and `keys`: who may ask for tokens, and what signs them."""

from __future__ import annotations

import argparse
import json
import secrets
from pathlib import Path
from typing import Any

from fhir_facade.audit.administration import Act, recorded
from fhir_facade.authorization import administration_of
from fhir_facade.settings import SettingFault, Settings
from fhir_facade.user_commands import add_users
from smart_auth import passwords
from smart_auth.access.allowing import known
from smart_auth.access.scopes import split
from smart_auth.clients.keys import jwk_set
from smart_auth.store.clients import KINDS
from smart_auth.store.tables import Client
from smart_auth.store.transaction import now

DEFAULT_SCOPES = (
    "openid fhirUser profile launch launch/patient launch/encounter online_access offline_access "
    "patient/*.rs user/*.rs"
)

CHANGED = "configuration"
#: what of a client is stated, and stands in its event
SAID = (
    *("name", "kind", "redirect_uri", "post_logout_redirect_uri", "scope", "add_scope", "launch_url"),
    *("jwks", "jwks_url", "backend", "introspects"),
)


def add_to(commands: Any) -> None:
    """Adds the commands."""
    _add_clients(commands.add_parser("client", help="apps and services that may ask for tokens"))
    add_users(commands.add_parser("user", help="built-in users"))
    keys = commands.add_parser("keys", help="the server's signing keys").add_subparsers(
        required=True, metavar="command"
    )
    rotating = keys.add_parser("rotate", help="sign with a new key; the old one stays until its tokens end")
    rotating.add_argument("--at-once", action="store_true", help="the old key is lost: end its tokens now")
    rotating.set_defaults(
        run=recorded(Act(CHANGED, "keys rotate", "signing keys", ("at_once",)), rotate_keys)
    )


def _add_clients(parser: Any) -> None:
    clients = parser.add_subparsers(required=True, metavar="command")
    adding = clients.add_parser("add", help="register a client")
    adding.add_argument("client_id")
    adding.add_argument("--name", required=True, help="as users are shown it")
    adding.add_argument("--kind", choices=KINDS, default="public")
    adding.add_argument("--redirect-uri", action="append", default=[], help="exactly as the app sends it")
    signed_out = "where a browser may go once its user is signed out (default: the redirect URIs)"
    adding.add_argument("--post-logout-redirect-uri", action="append", default=[], help=signed_out)
    adding.add_argument("--scope", default="", help="what it may ask for at most")
    adding.add_argument("--launch-url", default="", help="where an EHR launch sends the browser")
    adding.add_argument("--jwks", type=Path, help="file with its public keys")
    adding.add_argument("--jwks-url", default="", help="address of its public keys")
    adding.add_argument("--backend", action="store_true", help="a service without users (system/ scopes)")
    adding.add_argument("--introspects", action="store_true", help="may ask about tokens of other clients")
    adding.set_defaults(run=recorded(Act(CHANGED, "client add", "client_id", SAID), add_client))
    _add_updating(clients.add_parser("update", help="change what is stated, leave the rest"))
    clients.add_parser("list", help="all clients").set_defaults(run=list_clients)
    for name, run, text in (
        ("rotate", rotate_client, "a new secret; the old one ends now"),
        ("revoke", revoke_client, "end a client and all its tokens"),
    ):
        one = clients.add_parser(name, help=text)
        one.add_argument("client_id")
        one.set_defaults(run=recorded(Act(CHANGED, f"client {name}", "client_id"), run))


def _add_updating(updating: Any) -> None:
    updating.add_argument("client_id")
    updating.add_argument("--name", help="as users are shown it")
    updating.add_argument("--redirect-uri", action="append", help="all of them, instead of those there are")
    signed_out = "all of those for a signed-out user, instead"
    updating.add_argument("--post-logout-redirect-uri", action="append", help=signed_out)
    updating.add_argument("--scope", help="all that it may ask for, instead of what there is")
    updating.add_argument("--add-scope", default="", help="what it may ask for besides")
    updating.add_argument("--launch-url", help="where an EHR launch sends the browser")
    updating.add_argument("--jwks", type=Path, help="file with its public keys")
    updating.add_argument("--jwks-url", help="address of its public keys")
    updating.set_defaults(run=recorded(Act(CHANGED, "client update", "client_id", SAID), update_client))


def add_client(settings: Settings, chosen: argparse.Namespace) -> int:
    """Registers a client; its secret is printed once and kept as a hash only."""
    secret = secrets.token_urlsafe(32) if chosen.kind == "symmetric" else ""
    server = administration_of(settings)
    try:
        server.clients.put(_client(chosen, secret))
    except (ValueError, OSError) as fault:
        raise SettingFault(str(fault)) from None
    print(f"client_id      {chosen.client_id}")
    if secret:
        print(f"client_secret  {secret}")
    return 0


def _client(chosen: argparse.Namespace, secret: str) -> Client:
    if chosen.backend and not chosen.scope:
        raise ValueError("a backend service has its --scope (system/…) stated")
    return Client(
        client_id=chosen.client_id,
        name=chosen.name,
        kind=chosen.kind,
        secret_hash=passwords.hashed(secret) if secret else "",
        redirect_uris=" ".join(chosen.redirect_uri),
        post_logout_redirect_uris=" ".join(chosen.post_logout_redirect_uri),
        launch_url=chosen.launch_url,
        scopes=_understood(chosen.scope) or DEFAULT_SCOPES,
        jwks=_jwks(chosen.jwks) or "",
        jwks_url=chosen.jwks_url,
        backend=chosen.backend,
        introspects=chosen.introspects,
        created=now(),
    )


def _jwks(path: Path | None) -> str | None:
    """The public keys in a file; raises ValueError for others, OSError for none."""
    return json.dumps({"keys": jwk_set(path.read_text())}) if path else None


def update_client(settings: Settings, chosen: argparse.Namespace) -> int:
    """Changes what is stated of a client; raises SettingFault for one that then couldn't be used safely."""
    clients = administration_of(settings).clients
    try:
        client = clients.change(chosen.client_id, **_changes(chosen, clients.get(chosen.client_id)))
    except (ValueError, OSError) as fault:
        raise SettingFault(str(fault)) from None
    print(_line(client))
    return 0


def _changes(chosen: argparse.Namespace, there: Client | None) -> dict[str, str]:
    """Column → new value, of what is stated; raises ValueError where nothing is."""
    had = split(there.scopes) if there else []
    kept = had if chosen.scope is None else split(_understood(chosen.scope))
    scopes = split(" ".join([*kept, _understood(chosen.add_scope)]))
    stated = {
        "name": chosen.name,
        "redirect_uris": _listed(chosen.redirect_uri),
        "post_logout_redirect_uris": _listed(chosen.post_logout_redirect_uri),
        "scopes": " ".join(scopes) if chosen.scope or chosen.add_scope else None,
        "launch_url": chosen.launch_url,
        "jwks": _jwks(chosen.jwks),
        "jwks_url": chosen.jwks_url,
    }
    found = {name: value for name, value in stated.items() if value is not None}
    if not found:
        raise ValueError("nothing is stated that shall change")
    return found


def _listed(stated: list[str] | None) -> str | None:
    return " ".join(stated) if stated else None


def _understood(scopes: str) -> str:
    """The scopes; raises ValueError for one that means nothing here, and would never be given."""
    if odd := [text for text in split(scopes) if not known([text])]:
        raise ValueError(f"{odd[0]}: no scope that is known here")
    return scopes


def list_clients(settings: Settings, chosen: argparse.Namespace) -> int:
    """Every client, in a line each."""
    for client in administration_of(settings).clients.all():
        print(_line(client))
    return 0


def _line(client: Client) -> str:
    state = "revoked" if client.revoked else "backend" if client.backend else client.kind
    return f"{client.client_id}\t{state}\t{client.name}\t{client.redirect_uris}\t{client.scopes}"


def rotate_client(settings: Settings, chosen: argparse.Namespace) -> int:
    """A new secret; raises SettingFault for a client that has none."""
    server = administration_of(settings)
    client = server.clients.get(chosen.client_id)
    if client is None or client.kind != "symmetric":
        raise SettingFault(f"there is no client {chosen.client_id} with a secret")
    secret = secrets.token_urlsafe(32)
    server.clients.change(chosen.client_id, secret_hash=passwords.hashed(secret))
    print(f"client_secret  {secret}")
    return 0


def revoke_client(settings: Settings, chosen: argparse.Namespace) -> int:
    """Ends a client and its tokens on every worker at once."""
    server = administration_of(settings)
    try:
        server.clients.revoke(chosen.client_id, server.config.revoked_seconds)
    except ValueError as fault:
        raise SettingFault(str(fault)) from None
    print(f"{chosen.client_id} and all its tokens are revoked")
    return 0


def rotate_keys(settings: Settings, chosen: argparse.Namespace) -> int:
    """A new signing key."""
    server = administration_of(settings)
    keep = 0 if chosen.at_once else server.config.revoked_seconds + 60
    kid = server.keys.rotate(keep)
    print(f"signing with {kid}; workers of this host follow at once, others within a minute")
    return 0
