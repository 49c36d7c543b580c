"""The Keycloak that tests use is one that browsers know by the facade's address only."""

import httpx
import pytest

from tests.services import keycloak as service
from tests.services.keycloak import PUBLIC, Keycloak
from tests.services.packages import PackagesUnavailable


def test_it_calls_itself_by_the_facades_address(keycloak: Keycloak) -> None:
    answer = httpx.get(f"{keycloak.url}/realms/master/.well-known/openid-configuration")
    assert answer.status_code == 200
    assert answer.json()["issuer"] == f"{PUBLIC}/api/auth/idp/realms/master"
    assert answer.json()["token_endpoint"].startswith(keycloak.url)


def test_another_file_than_the_one_that_is_named_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("fetched")
    (folder / f"keycloak-quarkus-dist-{service.VERSION}.zip").write_bytes(b"something else")
    with pytest.raises(PackagesUnavailable, match="digest"):
        service.verified(folder)
