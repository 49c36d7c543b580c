"""How clients authenticate: by nothing, a secret, or a signed assertion; and services without users."""

import asyncio
import base64
import json
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from smart_auth import passwords
from smart_auth.clients.keys import ClientKeys, jwk_set
from smart_auth.faults import OAuthFault
from smart_auth.store.tables import Client
from tests.facade.facade import Facade
from tests.smart_auth.app import AUTH, App, register, server_of

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
RSA, EC = RSAKey.generate_key(2048), ECKey.generate_key("P-384")


def public(key: RSAKey | ECKey, kid: str) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid}


KEYS = json.dumps({"keys": [public(RSA, "k1"), public(EC, "k1"), public(EC, "k2")]})


def service(facade: Facade, **changes: Any) -> Client:
    """A backend service that may read everything and write observations."""
    stated = {"kind": "asymmetric", "backend": True, "redirect_uris": "", "jwks": KEYS}
    return register(facade, **{**stated, "scopes": "system/*.rs system/Observation.cruds", **changes})


def assertion(
    client_id: str, key: Any = RSA, alg: str = "RS384", kid: str | None = "k1", **claims: Any
) -> str:
    header = {"alg": alg, "typ": "JWT"} | ({"kid": kid} if kid else {})
    header |= claims.pop("header", {})
    stated = {
        "iss": client_id,
        "sub": client_id,
        "aud": f"{AUTH}/token",
        "exp": int(time.time()) + 200,
        "jti": secrets.token_hex(8),
        **claims,
    }
    return jwt.encode(header, {n: v for n, v in stated.items() if v is not None}, key, algorithms=[alg])


async def ask(facade: Facade, text: str, scope: str = "system/*.rs", **changes: str) -> httpx.Response:
    form = {
        "grant_type": "client_credentials",
        "scope": scope,
        "client_assertion_type": ASSERTION,
        "client_assertion": text,
        **changes,
    }
    return await facade.http.post(f"{AUTH}/token", data=form)


@pytest.mark.parametrize(
    ("key", "alg", "kid"), [(RSA, "RS384", "k1"), (EC, "ES384", "k1"), (EC, "ES384", "k2")]
)
async def test_a_service_gets_a_short_token_and_nothing_else(
    secured: Facade, key: Any, alg: str, kid: str
) -> None:
    client = service(secured)
    response = await ask(secured, assertion(client.client_id, key, alg, kid))
    assert response.status_code == 200, response.text
    answer = response.json()
    assert set(answer) == {"access_token", "token_type", "expires_in", "scope"}
    assert answer["expires_in"] == 300
    caller = await server_of(secured).bearer.caller(f"Bearer {answer['access_token']}")
    assert caller.user is None
    assert caller.client_id == client.client_id


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("system/Patient.rs", "system/Patient.rs"),
        ("system/*.read system/Observation.write", "system/*.read system/Observation.write"),
        ("system/Patient.cruds system/Patient.r", "system/Patient.r"),
        ("system/Observation.rs?code=1 user/*.rs openid", "system/Observation.rs?code=1"),
    ],
)
async def test_a_service_gets_what_it_is_registered_for(secured: Facade, asked: str, granted: str) -> None:
    answer = (await ask(secured, assertion(service(secured).client_id), asked)).json()
    assert answer["scope"] == granted


@pytest.mark.parametrize(
    "asked", ["system/Patient.cruds", "user/*.rs", "patient/*.rs", "offline_access", "x"]
)
async def test_a_service_gets_nothing_more(secured: Facade, asked: str) -> None:
    response = await ask(secured, assertion(service(secured).client_id), asked)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_scope"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": AUTH},
        {"aud": "https://another.example/token"},
        {"exp": int(time.time()) - 60},
        {"exp": int(time.time()) + 3600},
        {"exp": None},
        {"exp": "soon"},
        {"jti": None},
        {"jti": ""},
        {"sub": "another"},
        {"sub": None},
        {"nbf": int(time.time()) + 3600},
        {"kid": "k9"},
        {"kid": None},
        {"key": RSAKey.generate_key(2048)},
        {"alg": "RS256"},
        {"header": {"jku": "https://evil.example/jwks"}},
    ],
)
async def test_an_assertion_with_a_fault_is_refused(secured: Facade, claims: dict[str, Any]) -> None:
    response = await ask(secured, assertion(service(secured).client_id, **claims))
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_client"
    assert response.headers["cache-control"] == "no-store"


async def test_assertions_by_none_or_a_shared_secret_are_refused(secured: Facade) -> None:
    name = service(secured).client_id
    head = base64.urlsafe_b64encode(b'{"alg":"none","kid":"k1"}').rstrip(b"=").decode()
    unsigned = f"{head}.{assertion(name).split('.')[1]}."
    shared = OctKey.import_key(base64.b64encode(RSA.as_pem(private=False)))
    for text in (unsigned, assertion(name, shared, "HS384"), "", "x", "a.b.c"):
        response = await ask(secured, text)
        assert response.json()["error"] == "invalid_client"


async def test_a_name_that_no_client_can_have_is_unknown(secured: Facade) -> None:
    head, claims = (
        base64.urlsafe_b64encode(part).rstrip(b"=").decode()
        for part in (b'{"alg":"RS384","kid":"k1"}', rb'{"iss":"\ud800","sub":"\ud800"}')
    )
    response = await ask(secured, f"{head}.{claims}.x")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client")


async def test_an_assertion_is_good_once_on_all_workers(secured: Facade) -> None:
    text = assertion(service(secured).client_id)
    answers = await asyncio.gather(*(ask(secured, text) for _ in range(5)))
    assert sorted(a.status_code for a in answers) == [200, 400, 400, 400, 400]
    assert (await ask(secured, text)).json()["error_description"] == "this assertion has been used before"


async def test_one_service_can_not_speak_for_another(secured: Facade) -> None:
    other = service(secured, jwks=json.dumps({"keys": [public(EC, "own")]}))
    assert (await ask(secured, assertion(other.client_id))).json()["error"] == "invalid_client"
    mine = service(secured)
    stated = await ask(secured, assertion(mine.client_id), client_id=other.client_id)
    assert stated.json()["error"] == "invalid_client"


async def test_an_app_that_users_sign_in_to_may_sign_assertions(app: App) -> None:
    client = register(app.facade, kind="asymmetric", jwks=KEYS)
    mine = app.another(client=client)
    code = (await mine.code())["code"]
    assert (await mine.exchange(code)).json()["error"] == "invalid_client"
    response = await mine.exchange(
        code, client_assertion_type=ASSERTION, client_assertion=assertion(client.client_id)
    )
    assert response.status_code == 200
    assert (await ask(app.facade, assertion(client.client_id))).json()["error"] == "unauthorized_client"


async def test_a_secret_comes_by_basic_or_in_the_form_and_in_one_way(app: App) -> None:
    client = register(app.facade, kind="symmetric", secret_hash=passwords.hashed("s:cr+t%"))
    mine = app.another(client=client)
    basic = "Basic " + base64.b64encode(f"{client.client_id}:s%3Acr%2Bt%25".encode()).decode()
    code = (await mine.code())["code"]
    assert (await mine.exchange(code)).json()["error"] == "invalid_client"
    wrong = await mine.exchange(code, client_secret="wrong")
    assert wrong.status_code == 400
    both = await mine.exchange(code, client_secret="s:cr+t%", authorization=basic)
    assert both.json()["error"] == "invalid_request"
    assert (await mine.exchange(code, client_secret="s:cr+t%")).status_code == 200
    assert (await mine.exchange((await mine.code())["code"], authorization=basic)).status_code == 200


@pytest.mark.parametrize(
    "header", ["Basic x", "Basic " + base64.b64encode(b"nobody:x").decode(), "Bearer x", "Basic"]
)
async def test_a_wrong_basic_is_challenged(app: App, header: str) -> None:
    response = await app.post(grant_type="refresh_token", refresh_token="x", authorization=header)
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"
    assert response.headers["www-authenticate"].startswith("Basic ")


async def test_only_clients_that_authenticate_may_introspect(app: App) -> None:
    tokens = await app.tokens()
    public_client = await app.post("introspect", token=tokens["access_token"], client_id=app.client.client_id)
    assert public_client.json()["error"] == "invalid_client"
    stranger = register(app.facade, kind="symmetric", secret_hash=passwords.hashed("s"))
    asked = {"client_id": stranger.client_id, "client_secret": "s"}
    assert (await app.post("introspect", token=tokens["access_token"], **asked)).json() == {"active": False}
    warden = register(app.facade, kind="symmetric", secret_hash=passwords.hashed("s"), introspects=True)
    asked = {"client_id": warden.client_id, "client_secret": "s"}
    found = (await app.post("introspect", token=tokens["access_token"], **asked)).json()
    assert found["active"] is True
    assert found["scope"] == tokens["scope"]
    assert found["client_id"] == app.client.client_id
    assert found["patient"] == "P-2025-000001"
    assert found["fhirUser"].endswith("/Practitioner/user-2")
    assert (await app.post("introspect", token=tokens["refresh_token"], **asked)).json()["active"] is True
    await app.post("revoke", token=tokens["refresh_token"], client_id=app.client.client_id)
    for token in (tokens["access_token"], tokens["refresh_token"], "unknown"):
        response = await app.post("introspect", token=token, **asked)
        assert response.status_code == 200
        assert response.json() == {"active": False}


class Pages:
    """A web server with a client's keys."""

    def __init__(self, *keys: dict[str, Any], **headers: str) -> None:
        self.keys, self.headers, self.asked = list(keys), headers, 0

    def transport(self) -> httpx.MockTransport:
        def answer(request: httpx.Request) -> httpx.Response:
            self.asked += 1
            return httpx.Response(200, json={"keys": self.keys}, headers=self.headers)

        return httpx.MockTransport(answer)


def at_address() -> Client:
    return Client(client_id="x", name="x", kind="asymmetric", jwks_url="https://app.example/jwks", created=0)


def test_keys_at_an_address_are_fetched_once_and_again_for_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Pages(public(RSA, "old"), **{"cache-control": "max-age=3600"})
    keys = ClientKeys(pages.transport())
    for _ in range(5):
        assert len(keys.of(at_address(), "old", "RS384")) == 1
    assert pages.asked == 1
    pages.keys = [public(RSA, "new")]
    assert keys.of(at_address(), "new", "RS384") == []  # asked a moment ago: unknown names can't hammer it
    assert pages.asked == 1
    moment = time.monotonic() + 11
    monkeypatch.setattr("smart_auth.clients.keys.time.monotonic", lambda: moment)
    assert len(keys.of(at_address(), "new", "RS384")) == 1
    assert pages.asked == 2


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(500),
        httpx.Response(302, headers={"location": "http://169.254.169.254/"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, content=b" " * 300_000),
        httpx.Response(200, json={"keys": "all"}),
    ],
)
def test_an_address_without_keys_is_the_clients_fault(response: httpx.Response) -> None:
    keys = ClientKeys(httpx.MockTransport(lambda request: response))
    with pytest.raises(OAuthFault, match="invalid_client"):
        keys.of(at_address(), "k", "RS384")


def test_an_address_that_fails_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        raise httpx.ConnectTimeout("nobody there", request=request)

    keys = ClientKeys(httpx.MockTransport(answer))
    for _ in range(5):
        with pytest.raises(OAuthFault, match="can't be read"):
            keys.of(at_address(), "k", "RS384")
    assert len(asked) == 1
    moment = time.monotonic() + 11
    monkeypatch.setattr("smart_auth.clients.keys.time.monotonic", lambda: moment)
    with pytest.raises(OAuthFault, match="can't be read"):
        keys.of(at_address(), "k", "RS384")
    assert len(asked) == 2


def test_a_failure_takes_no_keys_away(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [httpx.Response(200, json={"keys": [public(RSA, "k")]}), httpx.Response(500)]
    keys = ClientKeys(httpx.MockTransport(lambda request: answers.pop(0)))
    assert len(keys.of(at_address(), "k", "RS384")) == 1
    moment = time.monotonic() + 11
    monkeypatch.setattr("smart_auth.clients.keys.time.monotonic", lambda: moment)
    assert keys.of(at_address(), "unknown", "RS384") == []
    assert len(keys.of(at_address(), "k", "RS384")) == 1
    assert answers == []


def test_a_slow_address_is_asked_by_one_at_a_time() -> None:
    asked, going = [], threading.Event()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        going.wait(30)
        return httpx.Response(200, json={"keys": [public(RSA, "k")]})

    keys = ClientKeys(httpx.MockTransport(answer))
    with ThreadPoolExecutor(5) as pool:
        looks = [pool.submit(keys.of, at_address(), "k", "RS384") for _ in range(5)]
        refused = list(islice(as_completed(looks, timeout=20), 4))
        going.set()
        for look in refused:
            with pytest.raises(OAuthFault, match="still being read"):
                look.result()
        [last] = set(looks) - set(refused)
        assert len(last.result()) == 1
    assert len(asked) == 1


def test_a_key_set_with_a_private_key_is_refused() -> None:
    with pytest.raises(ValueError, match="public"):
        jwk_set(json.dumps({"keys": [RSA.as_dict(private=True)]}))


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": "http://app.example/callback"},
        {"redirect_uris": "https://app.example/#x"},
        {"redirect_uris": "https://*.app.example/"},
        {"redirect_uris": "https://user@app.example/"},
        {"redirect_uris": "javascript:alert(1)"},
        {"redirect_uris": "/callback"},
        {"redirect_uris": ""},
        {"client_id": "with blank"},
        {"kind": "asymmetric"},
        {"kind": "asymmetric", "jwks_url": "http://app.example/jwks"},
        {"kind": "symmetric", "backend": True},
        {"kind": "other"},
    ],
)
def test_a_client_that_can_not_be_safe_is_not_registered(secured: Facade, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        register(secured, **changes)
