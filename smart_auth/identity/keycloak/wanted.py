"""What the facade needs a Keycloak realm to hold; what else is in it is the hospital's own and stays."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

#: a realm's name is part of addresses, and never anything that would have to be escaped there
REALM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
#: below the public address: where Keycloak's pages are, and where it sends the browser back to
PREFIX = "/api/auth/idp"
CALLBACK = f"{PREFIX}/callback"
#: where it tells that a session has ended
LOGOUT = f"{PREFIX}/logout"


@dataclass(frozen=True)
class DemoUser:
    """Somebody to try things with, never made unless asked for."""

    username: str
    password: str = field(repr=False)
    first_name: str
    last_name: str
    roles: tuple[str, ...]
    fhir_user: str = ""


@dataclass(frozen=True)
class Wanted:
    """A realm and the facade's client in it."""

    realm: str
    client_id: str
    client_secret: str = field(repr=False)
    base_url: str
    roles: Mapping[str, str]
    """Realm roles with their descriptions."""
    demo_users: tuple[DemoUser, ...] = ()
    backchannel_url: str = ""
    """How Keycloak reaches the facade, where that is not `base_url`."""

    def client(self) -> dict[str, Any]:
        """The client as Keycloak writes it: this facade's one redirect address, nothing by pattern."""
        definition = _definition("client.json")
        logout = {"backchannel.logout.url": f"{self.backchannel_url or self.base_url}{LOGOUT}"}
        own = {
            "clientId": self.client_id,
            "secret": self.client_secret,
            "redirectUris": [f"{self.base_url}{CALLBACK}"],
            "attributes": definition["attributes"] | logout,
        }
        return {**definition, **own}


def realm() -> dict[str, Any]:
    """Policies of the realm: sign-in, passwords, lock-out, life spans, events."""
    return dict(_definition("realm.json"))


def mappers() -> list[dict[str, Any]]:
    """What puts roles and `fhir_user` into the ID token."""
    found: list[dict[str, Any]] = _definition("mappers.json")
    return found


def attribute() -> dict[str, Any]:
    """The user's attribute `fhir_user`; undeclared attributes are dropped in silence."""
    return dict(_definition("attribute.json"))


@cache
def roles() -> dict[str, str]:
    """The realm roles that mean something to the facade, with their descriptions."""
    text = files(__package__).joinpath("definition/roles.csv").read_text("utf-8")
    return {row["role"]: row["description"] for row in csv.DictReader(text.splitlines())}


def _definition(name: str) -> Any:
    return json.loads(files(__package__).joinpath("definition", name).read_text("utf-8"))
