"""Who signs people in at this site: Keycloak if it is set, else the built-in users."""

from __future__ import annotations

import re
from collections.abc import Callable

from fhir_facade.service import Service
from fhir_facade.settings import SettingFault, Settings
from mappers.query import SearchQuery
from mappers.site import Site
from smart_auth.access.policy import Policy
from smart_auth.identity.builtin import BuiltIn
from smart_auth.identity.keycloak.provider import KeycloakProvider, ResourceOf
from smart_auth.identity.keycloak.realm import Connection
from smart_auth.identity.keycloak.wanted import REALM_NAME, roles
from smart_auth.identity.provider import IdentityProvider
from smart_auth.server import AuthorizationServer
from terminology.systems import local_identifier


def provider_of(service: Service, policy: Policy) -> Callable[[AuthorizationServer], IdentityProvider]:
    """What makes the provider; raises SettingFault for a Keycloak that is set by halves."""
    if not service.settings.keycloak_url:
        return BuiltIn
    connection = connection_of(service.settings)
    known = frozenset(known_roles(policy))
    return lambda _: KeycloakProvider(connection, practitioner_of(service), known)


def connection_of(settings: Settings) -> Connection:
    """Where Keycloak is and who we are there; raises SettingFault."""
    check_realm(settings)
    if not settings.keycloak_client_secret:
        raise SettingFault("KEYCLOAK_CLIENT_SECRET must be set beside KEYCLOAK_URL")
    return Connection(
        settings.keycloak_url,
        settings.keycloak_realm,
        settings.keycloak_client_id,
        settings.keycloak_client_secret,
        settings.base_url,
    )


def check_realm(settings: Settings) -> None:
    """Raises SettingFault for a realm that is not to be touched, or can't stand in an address."""
    if settings.keycloak_realm == "master" or not REALM_NAME.fullmatch(settings.keycloak_realm):
        raise SettingFault(
            "KEYCLOAK_REALM: letters, digits, - and _, and not master, which is Keycloak's own"
        )


def known_roles(policy: Policy) -> dict[str, str]:
    """The roles that mean something here, described: the facade's own, and those of the access policy."""
    own = roles()
    return own | {name: "Role of the access policy" for name in policy.roles if name not in own}


def practitioner_of(service: Service) -> ResourceOf:
    """Finds the one Practitioner whose user name in the CDSS is exactly this."""
    engine = service.engine.at(Site(service.site.zone))

    async def found(username: str) -> str:
        escaped = re.sub(r"([\\,|$])", r"\\\1", username)
        condition = service.parser().condition(
            "Practitioner", "identifier", f"{local_identifier('username')}|{escaped}"
        )
        page = await engine.page(SearchQuery("Practitioner", (condition,)), 2)
        ids = [match["id"] for match in page.matches if isinstance(match, dict)]
        return f"Practitioner/{ids[0]}" if len(ids) == 1 else ""

    return found
