"""A pytest plugin: a realm of Keycloak's that `keycloak provision` made."""

from collections.abc import Iterator

import pytest

from fhir_facade.keycloak_command import demo_users, wanted_of
from fhir_facade.settings import Settings
from smart_auth.identity.keycloak.provision import provision
from smart_auth.identity.keycloak.wanted import DemoUser
from tests.services.keycloak import Keycloak
from tests.smart_auth.keycloak.realms import PASSWORD, Administrator, settings_for

#: the demo's users, and one who may see more than his job
USERS = (
    *(user for user in demo_users(PASSWORD) if user.username in ("doctor", "nurse", "patient", "lab")),
    DemoUser("erin", PASSWORD, "Erin", "Han", ("nurse", "resident-number")),
)


@pytest.fixture(scope="session")
def with_keycloak(keycloak: Keycloak) -> Settings:
    """Settings of a facade whose users are Keycloak's; the realm is there."""
    settings = settings_for(keycloak, "hospital")
    operator = keycloak.url, keycloak.admin_user, keycloak.admin_password
    assert list(provision(*operator, wanted_of(settings, USERS)))
    return settings


@pytest.fixture
def hospital(keycloak: Keycloak, with_keycloak: Settings) -> Iterator[Administrator]:
    """The realm's administrator."""
    administrator = Administrator.of(keycloak, with_keycloak.keycloak_realm)
    yield administrator
    administrator.http.close()
