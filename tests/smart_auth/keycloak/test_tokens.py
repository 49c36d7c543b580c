"""What happens to an app's tokens when a user changes at Keycloak, and when Keycloak is away."""

import asyncio
import base64
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
import pytest_asyncio

from fhir_facade.app import create_app
from fhir_facade.settings import SettingFault, Settings
from smart_auth.endpoints.browser import SESSION_COOKIE
from tests.facade.facade import ORIGIN, Facade, settings_of
from tests.smart_auth.app import App, asks_for_password
from tests.smart_auth.keycloak.realms import Administrator, at_keycloak


@pytest_asyncio.fixture(scope="module")
async def facade(with_keycloak: Settings, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Facade]:
    """A facade whose users are in Keycloak."""
    settings = settings_of(tmp_path_factory.mktemp("tokens"), enable_security=True)
    facade = Facade(at_keycloak(settings, with_keycloak))
    yield facade
    await facade.close()


@pytest_asyncio.fixture
async def app(facade: Facade) -> AsyncIterator[App]:
    app = App.of(facade, username="lab")
    yield app
    await app.browser.aclose()


@pytest.fixture
def lab(hospital: Administrator) -> Iterator[str]:
    """The id of the user of these tests; afterwards he is as he was."""
    subject = str(hospital.user("lab")["id"])
    role = hospital.get("/roles/lab_technician")
    yield subject
    hospital.send("PUT", f"/users/{subject}", hospital.user("lab") | {"enabled": True})
    hospital.send("POST", f"/users/{subject}/role-mappings/realm", [role])


async def test_a_disabled_user_gets_no_further_tokens(app: App, hospital: Administrator, lab: str) -> None:
    first = await app.tokens()
    second = (await app.refresh(first["refresh_token"])).json()
    hospital.send("PUT", f"/users/{lab}", hospital.user("lab") | {"enabled": False})
    refused = await app.refresh(second["refresh_token"])
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_grant"


async def test_who_was_disabled_before_the_exchange_gets_no_tokens(
    app: App, hospital: Administrator, lab: str
) -> None:
    code = (await app.code())["code"]
    hospital.send("PUT", f"/users/{lab}", hospital.user("lab") | {"enabled": False})
    refused = await app.exchange(code)
    assert refused.status_code == 400
    assert refused.json()["error"] == "invalid_grant"


async def test_who_was_disabled_is_shown_no_patients_by_a_session_of_before(
    app: App, hospital: Administrator, lab: str
) -> None:
    picker = await app.sign_in(await app.follow(await app.ask()))
    assert "P-2025-000001" in picker.text
    hospital.send("PUT", f"/users/{lab}", hospital.user("lab") | {"enabled": False})
    page = await app.browser.get(picker.url)
    assert (page.status_code, "P-2025-000001" in page.text) == (403, False)


async def test_who_is_locked_by_anothers_guesses_goes_on_where_they_are_signed_in(
    app: App, hospital: Administrator, lab: str
) -> None:
    tokens = await app.tokens()
    guessing = App.of(app.facade, app.client, "lab")
    page = await guessing.follow(await guessing.ask())
    for _ in range(5):
        page = await guessing.sign_in(page, "not-the-password")
    await guessing.browser.aclose()
    assert hospital.get(f"/attack-detection/brute-force/users/{lab}")["disabled"] is True
    try:
        assert (await app.refresh(tokens["refresh_token"])).status_code == 200
        assert "P-2025-000001" in (await app.follow(await app.ask())).text
    finally:
        hospital.send("DELETE", f"/attack-detection/brute-force/users/{lab}")


async def test_a_role_that_was_taken_away_opens_nothing_after_a_refresh(
    app: App, hospital: Administrator, lab: str
) -> None:
    first = await app.tokens()
    assert await status(app, first["access_token"]) == 200
    hospital.send("DELETE", f"/users/{lab}/role-mappings/realm", [hospital.get("/roles/lab_technician")])
    second = (await app.refresh(first["refresh_token"])).json()
    assert not [scope for scope in second["scope"].split() if "/*" in scope]
    assert await status(app, second["access_token"]) == 403


async def status(app: App, token: str) -> int:
    return (await app.facade.get("Patient", authorization=f"Bearer {token}")).status_code


async def test_while_keycloak_is_away_tokens_stay_good_and_renewing_is_told_to_wait(
    facade: Facade, app: App
) -> None:
    tokens = await app.tokens()
    away = Facade(replace(facade.settings, keycloak_url="http://127.0.0.1:9"))
    there = App.of(away, app.client, "lab")
    assert await status(there, tokens["access_token"]) == 200
    refused = await there.refresh(tokens["refresh_token"])
    assert refused.status_code == 503
    assert refused.json()["error"] == "temporarily_unavailable"
    page = await there.follow(await there.ask())
    assert page.status_code == 503
    assert "The sign-in service can&#x27;t be reached just now" in page.text
    assert (await away.http.get("/api/health/ready")).status_code == 200
    assert (await app.refresh(tokens["refresh_token"])).status_code == 200
    await there.browser.aclose()
    await away.close()


async def signs_in_again(app: App, **changes: str) -> bool:
    """Whether Keycloak asks for a password although its own session goes on."""
    app.browser.cookies.delete(SESSION_COOKIE)
    return asks_for_password(await app.follow(await app.ask(**changes)))


async def test_a_session_at_keycloak_is_no_sign_in_where_one_is_asked_for(app: App) -> None:
    first = (await app.tokens())["id_token"]
    assert not await signs_in_again(app)
    assert await signs_in_again(app, prompt="login")
    assert await signs_in_again(app, max_age="0")
    await asyncio.sleep(1.1)
    page = await app.sign_in(await app.follow(await app.ask(prompt="login")))
    assert 'action="/api/auth/patient"' in page.text
    app.browser.cookies.delete(SESSION_COOKIE)
    await asyncio.sleep(1.1)
    later = (await app.tokens())["id_token"]
    assert authenticated(first) < authenticated(later) < claims_of(later)["iat"]


def claims_of(id_token: str) -> dict[str, Any]:
    middle = id_token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return found


def authenticated(id_token: str) -> int:
    return int(claims_of(id_token)["auth_time"])


@contextmanager
def notices(hospital: Administrator) -> Iterator[list[str]]:
    """The logout tokens that Keycloak sends meanwhile."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["content-length"])).decode()
            heard.extend(parse_qs(form)["logout_token"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    client = hospital.client()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        address = {
            "backchannel.logout.url": f"http://127.0.0.1:{server.server_port}/",
            "backchannel.logout.revoke.offline.tokens": "true",  # as operators may choose
        }
        changed = client | {"attributes": client["attributes"] | address}
        hospital.send("PUT", f"/clients/{client['id']}", changed)
        try:
            yield heard
        finally:
            hospital.send("PUT", f"/clients/{client['id']}", client)
            server.shutdown()


async def test_who_is_signed_out_at_keycloak_is_out_here_at_once(
    app: App, hospital: Administrator, lab: str
) -> None:
    online = await app.tokens(scope="openid online_access user/*.rs")
    offline = await app.tokens(scope="openid offline_access user/*.rs")
    elsewhere = App.of(app.facade, app.client, "doctor")
    other = await elsewhere.tokens(scope="openid user/*.rs")
    with notices(hospital) as heard:
        hospital.send("POST", f"/users/{lab}/logout")
    assert await status(app, online["access_token"]) == 200  # what was told didn't come yet
    assert heard  # one for each session that the user has there
    for notice in heard:
        told = await app.post("idp/logout", logout_token=notice)
        assert (told.status_code, told.headers["cache-control"]) == (200, "no-store")
    assert await status(app, online["access_token"]) == 401
    assert (await app.refresh(online["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await app.refresh(offline["refresh_token"])).json()["error"] == "invalid_grant"
    assert await status(app, other["access_token"]) == 200
    assert asks_for_password(await app.follow(await app.ask()))
    again = await app.tokens(scope="openid user/*.rs")
    for notice in heard:
        assert (await app.post("idp/logout", logout_token=notice)).status_code == 200
    assert await status(app, again["access_token"]) == 200  # the notices were of other sessions
    for wrong in (notice[:-4], again["id_token"], ""):
        refused = await app.post("idp/logout", logout_token=wrong)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    await elsewhere.browser.aclose()


async def test_keycloaks_administration_is_not_to_be_had_here(facade: Facade) -> None:
    for path in (
        "/api/auth/idp/admin/",
        "/api/auth/idp/realms/master/protocol/openid-connect/auth",
        "/admin/",
    ):
        assert (await facade.http.get(f"{ORIGIN}{path}")).status_code == 404


async def test_signing_out_here_signs_out_there(app: App) -> None:
    page = await app.submit(await app.consent_page(), "sign-out")
    assert asks_for_password(page)


async def test_a_keycloak_that_is_set_by_halves_stops_the_start(facade: Facade) -> None:
    with pytest.raises(SettingFault, match="KEYCLOAK_CLIENT_SECRET"):
        create_app(replace(facade.settings, keycloak_client_secret=""))
    with pytest.raises(SettingFault, match="KEYCLOAK_REALM"):
        create_app(replace(facade.settings, keycloak_realm="master"))
