"""What the authorization server says of itself, checked by another implementation and by asking."""

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata

from smart_auth.access.scopes import scope
from smart_auth.endpoints.discovery import scopes_supported, smart_configuration
from tests.facade.facade import Facade
from tests.smart_auth.app import AUTH, server_of


async def test_the_openid_configuration_is_valid_and_open_to_all(secured: Facade) -> None:
    response = await secured.http.get(f"{AUTH}/.well-known/openid-configuration")
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    found = response.json()
    assert found["issuer"] == AUTH
    OpenIDProviderMetadata(found | {"issuer": AUTH.replace("http:", "https:")} | https(found)).validate()


def https(found: dict[str, object]) -> dict[str, object]:
    return {n: v.replace("http:", "https:") for n, v in found.items() if isinstance(v, str)}


async def test_the_smart_configuration_names_what_there_is(secured: Facade) -> None:
    found = smart_configuration(server_of(secured).config, ["Patient", "Observation"])
    AuthorizationServerMetadata(found | https(found)).validate()
    assert found["code_challenge_methods_supported"] == ["S256"]
    for name in ("authorization", "token", "introspection", "revocation"):
        address = found[f"{name}_endpoint"]
        assert address.startswith(AUTH)
        assert (await secured.http.get(address)).status_code in (400, 405)
    keys = (await secured.http.get(found["jwks_uri"])).json()["keys"]
    assert keys
    assert all(not {"d", "p", "q"} & key.keys() for key in keys)
    assert {key["alg"] for key in keys} == {"RS256"}


def test_every_supported_scope_is_understood() -> None:
    found = scopes_supported(["Patient"])
    assert "patient/Patient.rs" in found
    assert all(scope(text) for text in found if "/" in text and not text.startswith("launch/"))
