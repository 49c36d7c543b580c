"""A service without users: its key signs for it, and it reads with a client that others wrote.

https://hl7.org/fhir/smart-app-launch/backend-services.html
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import ForbiddenError
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from smart_auth.store.tables import Client
from smart_auth.store.transaction import now
from tests.apps.pages import hosted
from tests.apps.site import Site

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEYS: dict[str, RSAKey | ECKey] = {
    "RS384": RSAKey.generate_key(2048, {"kid": "rsa-1"}),
    "ES384": ECKey.generate_key("P-384", {"kid": "ec-1"}),
}


@pytest.fixture(scope="module")
def jwks_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the service publishes its keys."""
    folder: Path = tmp_path_factory.mktemp("keys")
    (folder / "jwks.json").write_text(published())
    with hosted(folder) as origin:
        yield f"{origin}/jwks.json"


def published() -> str:
    return json.dumps(KeySet(list(KEYS.values())).as_dict(private=False))


def registered(site: Site, jwks: str = "", jwks_url: str = "") -> str:
    """The id of a new service that may see patients and observations."""
    client_id = f"service-{uuid.uuid4().hex[:8]}"
    scopes = "system/Patient.rs system/Observation.rs"
    site.clients.put(
        Client(
            client_id=client_id,
            name="Registry",
            kind="asymmetric",
            backend=True,
            scopes=scopes,
            jwks=jwks,
            jwks_url=jwks_url,
            created=now(),
        )
    )
    return client_id


def asked(site: Site, client_id: str, algorithm: str) -> dict[str, str]:
    """The form of a token request."""
    key = KEYS[algorithm]
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": f"{site.origin}/api/auth/token",
        "exp": int(time.time()) + 240,
        "jti": uuid.uuid4().hex,
    }
    header = {"alg": algorithm, "kid": key.kid, "typ": "JWT"}
    return {
        "grant_type": "client_credentials",
        "scope": "system/Patient.rs system/Observation.rs system/Condition.rs",
        "client_assertion_type": ASSERTION,
        "client_assertion": jwt.encode(header, claims, key, algorithms=[algorithm]),
    }


@pytest.mark.parametrize("algorithm", ["RS384", "ES384"])
@pytest.mark.parametrize("keys", ["inline", "by address"])
async def test_a_service_reads_what_it_is_registered_for(
    built_in: Site, jwks_url: str, algorithm: str, keys: str
) -> None:
    stated = {"jwks": published()} if keys == "inline" else {"jwks_url": jwks_url}
    form = asked(built_in, registered(built_in, **stated), algorithm)
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{built_in.origin}/api/auth/token", data=form)
        again = await http.post(f"{built_in.origin}/api/auth/token", data=form)
    assert answer.status_code == 200
    assert set(answer.json()["scope"].split()) == {"system/Patient.rs", "system/Observation.rs"}
    assert answer.json()["expires_in"] == 300
    assert "refresh_token" not in answer.json()
    assert (again.status_code, again.json()["error"]) == (400, "invalid_client")
    client = AsyncFHIRClient(built_in.base, authorization=f"Bearer {answer.json()['access_token']}")
    patients = await client.resources("Patient").search(name="김영희").fetch_all()
    assert [patient["id"] for patient in patients] == ["P-2025-000001"]
    assert await client.resources("Observation").search(patient="P-2025-000001").count() > 10
    with pytest.raises(ForbiddenError, match="do not let you search Condition"):
        await client.resources("Condition").fetch()


async def test_a_key_that_is_not_published_opens_nothing(built_in: Site) -> None:
    others = KeySet([RSAKey.generate_key(2048, {"kid": "rsa-1"})]).as_dict(private=False)
    form = asked(built_in, registered(built_in, jwks=json.dumps(others)), "RS384")
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{built_in.origin}/api/auth/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
