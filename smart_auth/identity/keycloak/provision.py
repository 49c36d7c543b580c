"""Brings a Keycloak realm to what the facade needs; the one importer of python-keycloak.

Each difference is told and then made, and only what differs is written: a second run changes nothing.
No realm but the one that is named is read or written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

from keycloak import KeycloakAdmin, KeycloakOpenID
from keycloak.exceptions import KeycloakError, KeycloakGetError

from smart_auth.identity.keycloak import wanted as definition
from smart_auth.identity.keycloak.differences import different, told
from smart_auth.identity.keycloak.wanted import DemoUser, Wanted

T = TypeVar("T")
Representation = dict[str, Any]
#: what the facade's own account in the realm may do: look up whether a user may still come in
LOOKS_UP = "view-users"
REALM_MANAGEMENT = "realm-management"


class ProvisionFault(RuntimeError):
    """Keycloak can't be asked, or refuses; says what it said."""


@dataclass(frozen=True)
class Change:
    """One difference, and what makes it go away."""

    said: str
    make: Callable[[], object]


def provision(url: str, user: str, password: str, wanted: Wanted, *, dry_run: bool = False) -> Iterator[str]:
    """What is (with `dry_run`: would be) changed, line by line; raises ProvisionFault.

    `user` is one of Keycloak's own realm, `master`, who may change realms.
    """
    with _faults_of(url):
        admin = KeycloakAdmin(
            server_url=url,
            username=user,
            password=password,
            user_realm_name="master",
            realm_name=wanted.realm,
            timeout=30,
        )
        for change in Provisioning(admin, wanted).changes():
            if not dry_run:
                change.make()
            yield change.said


def issuer(url: str, realm: str) -> str:
    """What Keycloak calls the realm in its tokens; empty if it has no such realm."""
    with _faults_of(url):
        client = KeycloakOpenID(server_url=url, realm_name=realm, client_id="", timeout=30)
        return str((_found(client.well_known) or {}).get("issuer", ""))


@contextmanager
def _faults_of(url: str) -> Iterator[None]:
    try:
        yield
    except KeycloakError as fault:
        said = fault.response_body or fault.error_message
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ProvisionFault(f"{url}: {text}") from fault


class Provisioning:
    """The differences between a realm and what is wanted, each found when it is its turn.

    In a dry run, what would have been made isn't there for what comes after it: it reads as empty.
    """

    def __init__(self, admin: KeycloakAdmin, wanted: Wanted) -> None:
        self.admin, self.wanted = admin, wanted

    def changes(self) -> Iterator[Change]:
        """All differences, in an order in which they can be made."""
        yield from self._realm()
        yield from self._attribute()
        yield from self._roles()
        yield from self._client()
        yield from self._mappers()
        yield from self._scope()
        yield from self._account()
        for user in self.wanted.demo_users:
            yield from self._demo_user(user)

    def _realm(self) -> Iterator[Change]:
        name, policies = self.wanted.realm, definition.realm()
        held = _found(self.admin.get_realm, name)
        if held is None:
            yield Change(f"realm {name}", partial(self.admin.create_realm, {"realm": name} | policies))
        elif differing := different(held, policies):
            yield Change(
                f"realm {name}: {told(held, differing)}", partial(self.admin.update_realm, name, differing)
            )

    def _attribute(self) -> Iterator[Change]:
        profile = _found(self.admin.get_realm_users_profile) or {"attributes": []}
        attribute = definition.attribute()
        held: Representation = next((a for a in profile["attributes"] if a["name"] == attribute["name"]), {})
        if different(held, attribute):
            yield Change(f"user attribute {attribute['name']}", self._declare_attribute)

    def _declare_attribute(self) -> None:
        profile, attribute = self.admin.get_realm_users_profile(), definition.attribute()
        others = [a for a in profile["attributes"] if a["name"] != attribute["name"]]
        self.admin.update_realm_users_profile(profile | {"attributes": [*others, attribute]})

    def _roles(self) -> Iterator[Change]:
        held = {role["name"] for role in _found(self.admin.get_realm_roles) or []}
        for name, description in self.wanted.roles.items():
            if name not in held:
                role = {"name": name, "description": description}
                yield Change(f"role {name}", partial(self.admin.create_realm_role, role))

    def _client(self) -> Iterator[Change]:
        client, held = self.wanted.client(), self._held_client()
        if held is None:
            made = client | {"protocolMappers": definition.mappers()}
            yield Change(f"client {client['clientId']}", partial(self.admin.create_client, made))
        elif differing := different(held, client):
            merged = held | client | {"attributes": held.get("attributes", {}) | client["attributes"]}
            yield Change(
                f"client {client['clientId']}: {told(held, differing)}",
                partial(self.admin.update_client, held["id"], merged),
            )

    def _held_client(self) -> Representation | None:
        found = _found(self.admin.get_client_id, self.wanted.client_id)
        return self.admin.get_client(found) if found else None

    def _mappers(self) -> Iterator[Change]:
        """Those of a client that was there before; a new one is made with them."""
        client = self._held_client() or {"protocolMappers": definition.mappers()}
        held = {m["name"]: m for m in client.get("protocolMappers", [])}
        for mapper in definition.mappers():
            name = mapper["name"]
            if name not in held:
                yield Change(f"mapper {name}", partial(self.admin.add_mapper_to_client, client["id"], mapper))
            elif different(held[name], mapper):
                merged = held[name] | mapper | {"config": held[name]["config"] | mapper["config"]}
                yield Change(
                    f"mapper {name}: changed",
                    partial(self.admin.update_client_mapper, client["id"], merged["id"], merged),
                )

    def _scope(self) -> Iterator[Change]:
        """The roles that tokens for this client may name: the facade's, and what its own account needs."""
        client = self._held_client()
        held = self.admin.get_realm_roles_of_client_scope(client["id"]) if client else []
        missing = self.wanted.roles.keys() - {role["name"] for role in held}
        if missing:
            yield Change(f"client's roles: {', '.join(sorted(missing))}", partial(self._allow, missing))

    def _allow(self, names: Set[str]) -> None:
        roles = [role for role in self.admin.get_realm_roles() if role["name"] in names]
        self.admin.assign_realm_roles_to_client_scope(self._client_uuid(self.wanted.client_id), roles)

    def _account(self) -> Iterator[Change]:
        """The client's own account may look users up, and its tokens say so; it may change nothing."""
        client, owner = self._held_client(), _found(self.admin.get_client_id, REALM_MANAGEMENT)
        if client is None or owner is None:
            yield Change(f"client's own account: {LOOKS_UP}", self._let_account_look_up)
            return
        account = self.admin.get_client_service_account_user(client["id"])["id"]
        held = (
            self.admin.get_client_roles_of_user(account, owner),
            self.admin.get_client_roles_of_client_scope(client["id"], owner),
        )
        if not all(LOOKS_UP in {role["name"] for role in roles} for roles in held):
            yield Change(f"client's own account: {LOOKS_UP}", self._let_account_look_up)

    def _let_account_look_up(self) -> None:
        client, owner = (self._client_uuid(name) for name in (self.wanted.client_id, REALM_MANAGEMENT))
        role = self.admin.get_client_role(owner, LOOKS_UP)
        account = self.admin.get_client_service_account_user(client)["id"]
        self.admin.assign_client_role(account, owner, [role])
        self.admin.assign_client_roles_to_client_scope(client, owner, [role])

    def _client_uuid(self, client_id: str) -> str:
        found = self.admin.get_client_id(client_id)
        if found is None:
            raise ProvisionFault(f"client {client_id} is gone")
        return found

    def _demo_user(self, user: DemoUser) -> Iterator[Change]:
        """A demo user who isn't there; one who is stays as he is, his password too."""
        if _found(self.admin.get_user_id, user.username) is None:
            said = f"demo user {user.username} ({', '.join(user.roles)})"
            yield Change(said, partial(self._make_user, user))

    def _make_user(self, user: DemoUser) -> None:
        made = self.admin.create_user(
            {
                "username": user.username,
                "enabled": True,
                "firstName": user.first_name,
                "lastName": user.last_name,
                "email": f"{user.username}@demo.invalid",  # one without is asked for it at the first sign-in
                "emailVerified": True,
                "attributes": {"fhir_user": [user.fhir_user]} if user.fhir_user else {},
                "credentials": [{"type": "password", "value": user.password, "temporary": False}],
            }
        )
        self.admin.assign_realm_roles(made, [self.admin.get_realm_role(name) for name in user.roles])


def _found(read: Callable[..., T], *arguments: Any) -> T | None:
    """What is read; None where there is no such thing."""
    try:
        return read(*arguments)
    except KeycloakGetError as fault:
        if fault.response_code == HTTPStatus.NOT_FOUND:
            return None
        raise
