"""Realms for tests: each has its own, in the one Keycloak that all share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from fhir_facade.settings import Settings
from tests.services.keycloak import PUBLIC, Keycloak

#: of every user of the tests; good enough for the realm's policy
PASSWORD = "Walk-the-ward-26"


def settings_for(server: Keycloak, realm: str, **changes: Any) -> Settings:
    """The settings of a facade with that realm, its administrator's password among them."""
    return Settings(
        **{
            "public_base_url": PUBLIC,
            "keycloak_url": server.url,
            "keycloak_realm": realm,
            "keycloak_client_secret": "a-secret-of-the-tests",
            "keycloak_admin_user": server.admin_user,
            "keycloak_admin_password": server.admin_password,
            **changes,
        }
    )


def at_keycloak(settings: Settings, other: Settings) -> Settings:
    """The settings with the Keycloak of others."""
    return replace(settings, **{name: v for name, v in vars(other).items() if name.startswith("keycloak_")})


def environment_of(settings: Settings) -> Mapping[str, str]:
    """The same as environment variables."""
    names = [name for name in vars(settings) if name.startswith("keycloak_") or name == "public_base_url"]
    return {name.upper(): getattr(settings, name) for name in names}


@dataclass(frozen=True)
class Administrator:
    """Somebody at Keycloak's own administration interface, with nothing of ours in between."""

    http: httpx.Client
    realm: str

    @classmethod
    def of(cls, server: Keycloak, realm: str) -> Administrator:
        """Signed in; the token lasts a minute."""
        form = {"grant_type": "password", "client_id": "admin-cli"}
        login = {"username": server.admin_user, "password": server.admin_password}
        answer = httpx.post(
            f"{server.url}/realms/master/protocol/openid-connect/token", data=form | login, timeout=30
        )
        token = answer.raise_for_status().json()["access_token"]
        return cls(
            httpx.Client(
                base_url=f"{server.url}/admin/realms",
                headers={"authorization": f"Bearer {token}"},
                timeout=30,
            ),
            realm,
        )

    def get(self, path: str = "") -> Any:
        """What is at a path below the realm."""
        return self.http.get(f"/{self.realm}{path}").raise_for_status().json()

    def send(self, method: str, path: str, content: Any = None) -> httpx.Response:
        """A change below the realm."""
        return self.http.request(method, f"/{self.realm}{path}", json=content).raise_for_status()

    def user(self, username: str) -> dict[str, Any]:
        """A user, whole."""
        found = self.get(f"/users?username={username}&exact=true&briefRepresentation=false")
        assert len(found) == 1, found
        user: dict[str, Any] = found[0]
        return user

    def client(self) -> dict[str, Any]:
        """The facade's client."""
        found: dict[str, Any] = self.get("/clients?clientId=fhir-facade")[0]
        return found
