"""What apps in a browser need besides the code flow: refresh without a name, languages, signing out."""

from __future__ import annotations

import base64
import json
import re

import pytest

from smart_auth import passwords
from smart_auth.store.tables import Client
from smart_auth.store.transaction import now
from tests.facade.facade import ORIGIN, Facade
from tests.smart_auth.app import AUTH, CALLBACK, App, asks_for_password, register, server_of


async def test_a_public_client_may_leave_its_name_out_of_a_refresh(app: App) -> None:
    first = await app.tokens()
    answer = await app.post(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert answer.status_code == 200
    assert answer.json()["refresh_token"] != first["refresh_token"]
    again = await app.post(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    ended = await app.post(grant_type="refresh_token", refresh_token=answer.json()["refresh_token"])
    assert (ended.status_code, ended.json()["error"]) == (400, "invalid_grant")


async def test_a_client_with_a_secret_may_not(secured: Facade) -> None:
    client = register(secured, kind="symmetric", secret_hash=passwords.hashed("s3cret"))
    app = App.of(secured, client)
    first = (await app.exchange((await app.code())["code"], client_secret="s3cret")).json()
    refused = await app.post(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client")
    mine = {"refresh_token": first["refresh_token"], "client_secret": "s3cret"}
    answer = await app.post(grant_type="refresh_token", client_id=client.client_id, **mine)
    assert answer.status_code == 200
    await app.browser.aclose()


@pytest.mark.parametrize("form", [{}, {"refresh_token": ""}, {"refresh_token": "made-up"}])
async def test_a_refresh_that_names_nobody_and_nothing_is_refused(app: App, form: dict[str, str]) -> None:
    answer = await app.post(grant_type="refresh_token", **form)
    assert answer.status_code == 400
    assert answer.json()["error"] == ("invalid_grant" if form.get("refresh_token") else "invalid_client")


@pytest.mark.parametrize(("wanted", "lang"), [("ko", "ko"), ("fr ko-KR en", "ko"), ("en", "en")])
async def test_pages_are_in_the_language_that_the_app_asks_for(app: App, wanted: str, lang: str) -> None:
    page = await app.follow(await app.ask(ui_locales=wanted, scope="openid"))
    assert re.search(rf'<html[^>]* lang="{lang}"', page.text)
    assert f'<html lang="{lang}">' in (await app.sign_in(page)).text


async def test_a_language_that_is_chosen_on_a_page_goes_before(app: App) -> None:
    page = await app.consent_page(ui_locales="ko", scope="openid")
    pending = re.search(r'name="request" value="([^"]*)"', page.text)
    assert pending
    switched = await app.browser.get(f"{AUTH}/continue", params={"request": pending[1], "lang": "en"})
    assert '<html lang="en">' in switched.text


async def test_the_id_token_tells_name_and_roles_to_who_asked_for_them(app: App) -> None:
    granted = await app.tokens(scope="openid profile user/*.rs")
    assert _claims(granted["id_token"])["roles"] == ["doctor"]
    assert _claims(granted["id_token"])["name"] == "박지훈"
    silent = _claims((await app.tokens(scope="openid user/*.rs"))["id_token"])
    assert not {"roles", "name", "preferred_username"} & silent.keys()


def _claims(token: str) -> dict[str, object]:
    """What a token says; who signed it is another test's matter."""
    body = token.split(".")[1]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


async def test_a_page_of_the_server_signs_out_who_is_signed_in(app: App) -> None:
    online = await app.tokens(scope="openid user/*.rs")
    authorization = f"Bearer {online['access_token']}"
    assert (await app.facade.get("Patient?_count=1", authorization=authorization)).status_code == 200
    for headers in ({}, {"origin": "https://elsewhere.example"}, {"origin": "null"}):
        refused = await app.browser.delete(f"{AUTH}/session", headers=headers)
        assert refused.status_code == 403
        assert "set-cookie" not in refused.headers
    assert (
        'action="/api/auth/consent"'
        in (await app.follow(await app.ask(prompt="consent", scope="openid"))).text
    )
    ended = await app.browser.delete(f"{AUTH}/session", headers={"origin": ORIGIN})
    assert ended.status_code == 204
    assert "fhir_auth_session=" in ended.headers["set-cookie"]
    assert asks_for_password(await app.follow(await app.ask()))
    gone = await app.facade.get("Patient?_count=1", authorization=authorization)
    assert gone.status_code == 401
    again = await app.browser.delete(f"{AUTH}/session", headers={"origin": ORIGIN})
    assert again.status_code == 204


async def test_users_sign_in_to_see_their_apps(app: App) -> None:
    signing_in = await app.follow(await app.browser.get(f"{AUTH}/apps?lang=ko"))
    assert asks_for_password(signing_in)
    page = await app.sign_in(signing_in)
    assert (page.status_code, page.url.path) == (200, "/api/auth/apps")
    assert "<h1>내 앱</h1>" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert app.client.client_id not in page.text
    await app.tokens(scope="openid user/*.rs")
    page = await app.browser.get(f"{AUTH}/apps")
    assert app.client.client_id in page.text
    assert asks_for_password(await app.submit(page, "sign-out"))
    assert asks_for_password(await app.follow(await app.browser.get(f"{AUTH}/apps")))


def _own(redirect_uris: str = CALLBACK, scopes: str = "user/*.cruds") -> Client:
    return Client(
        client_id="own", name="Own", kind="public", redirect_uris=redirect_uris, scopes=scopes, created=now()
    )


async def test_the_servers_own_client_is_as_it_is_now_and_stays_revoked(secured: Facade) -> None:
    clients = server_of(secured).clients
    clients.keep(_own())
    clients.keep(_own(redirect_uris=f"{CALLBACK}&moved", scopes="user/*.rs"))
    kept = clients.get("own")
    assert kept is not None
    assert (kept.redirect_uris, kept.scopes) == (f"{CALLBACK}&moved", "user/*.rs")
    clients.revoke("own", 60)
    clients.keep(_own())
    assert clients.get("own") is None
