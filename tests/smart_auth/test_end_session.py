"""An app signs its user out, and can't sign out anybody else or lead a browser anywhere else."""

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.facade.facade import ORIGIN
from tests.smart_auth.app import AUTH, CALLBACK, App, asks_for_password, register

pytestmark = pytest.mark.parametrize("secured", ["embedded", "mysql"], indirect=True)
SCOPE = "openid online_access user/*.rs"


async def ask(app: App, **stated: str) -> httpx.Response:
    return await app.follow(await app.browser.get(f"{AUTH}/end-session?{urlencode(stated)}"))


async def good(app: App, token: str) -> bool:
    found = await app.facade.get("Patient?_count=1", authorization=f"Bearer {token}")
    return found.status_code == 200


async def signed_in(app: App) -> bool:
    return not asks_for_password(await app.follow(await app.ask(scope=SCOPE)))


async def test_an_app_signs_its_user_out_and_gets_the_browser_back(app: App) -> None:
    tokens = await app.tokens(scope=SCOPE)
    left = await ask(app, id_token_hint=tokens["id_token"], post_logout_redirect_uri=CALLBACK, state="a/+ü")
    assert app.came_back(left) == {"from": "hospital", "state": "a/+ü"}
    assert "fhir_auth_session=" in left.headers["set-cookie"]
    assert not await good(app, tokens["access_token"])
    assert not await signed_in(app)
    again = await ask(app, id_token_hint=tokens["id_token"], post_logout_redirect_uri=CALLBACK)
    assert again.headers["location"] == CALLBACK


async def test_a_browser_goes_where_the_app_has_registered_for_that_and_nowhere_else(app: App) -> None:
    goodbye = "https://app.example/goodbye"
    leaving = App.of(app.facade, register(app.facade, post_logout_redirect_uris=goodbye))
    id_token = (await leaving.tokens(scope=SCOPE))["id_token"]
    for elsewhere in (CALLBACK, f"{goodbye}/", goodbye.upper()):
        refused = await ask(leaving, id_token_hint=id_token, post_logout_redirect_uri=elsewhere)
        assert (refused.status_code, "location" in refused.headers) == (400, False)
    assert await signed_in(leaving)
    left = await ask(leaving, id_token_hint=id_token, post_logout_redirect_uri=goodbye, state="s")
    assert left.headers["location"] == f"{goodbye}?state=s"
    assert not await signed_in(leaving)
    came = await leaving.follow(await leaving.ask(redirect_uri=goodbye))
    assert (came.status_code, "location" in came.headers) == (400, False), "no code goes there"
    await leaving.browser.aclose()


async def test_a_form_of_an_app_does_the_same(app: App) -> None:
    tokens = await app.tokens(scope=SCOPE)
    form = {"id_token_hint": tokens["id_token"], "ui_locales": "ko"}
    page = await app.follow(await app.browser.post(f"{AUTH}/end-session", data=form))
    assert (page.status_code, "로그아웃했습니다" in page.text) == (200, True)
    assert not await good(app, tokens["access_token"])


@pytest.mark.parametrize("hinted", [False, True])
async def test_who_is_not_named_is_asked_first(app: App, hinted: bool) -> None:
    nurse = App.of(app.facade, app.client, "nurse")
    theirs = await nurse.tokens(scope=SCOPE)
    await nurse.browser.aclose()
    tokens = await app.tokens(scope=SCOPE)
    page = await ask(app, **({"id_token_hint": theirs["id_token"]} if hinted else {}))
    assert "Sign out?" in page.text
    assert await good(app, tokens["access_token"])
    forged = {"request": dict(page.url.params)["request"], "csrf": "x"}
    foreign = await app.browser.post(f"{AUTH}/end-session", data=forged, headers={"origin": ORIGIN})
    assert foreign.status_code == 403
    assert await signed_in(app)
    assert "Signed out" in (await app.submit(page, "end-session")).text
    assert not await good(app, tokens["access_token"])
    assert await good(app, theirs["access_token"])


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ({"post_logout_redirect_uri": CALLBACK}, "not registered"),
        ({"client_id": "nobody"}, "not registered"),
        ({"client_id": "APP", "post_logout_redirect_uri": f"{CALLBACK}x"}, "not registered"),
        ({"id_token_hint": "a.b.c"}, "can&#x27;t be read"),
        ({"id_token_hint": "ACCESS"}, "not registered"),
        ({"id_token_hint": "CHANGED"}, "can&#x27;t be read"),
        ({"id_token_hint": "ID", "client_id": "OTHER"}, "not registered"),
        ({"request": "x"}, "too old"),
    ],
)
async def test_what_is_not_the_apps_is_refused_and_nobody_signed_out(
    app: App, stated: dict[str, str], reason: str
) -> None:
    tokens = await app.tokens(scope=SCOPE)
    id_token: str = tokens["id_token"]
    known: dict[str, Any] = {
        "APP": app.client.client_id,
        "OTHER": register(app.facade).client_id,
        "ID": id_token,
        "ACCESS": tokens["access_token"],
        "CHANGED": f"{id_token[:-6]}AAAAAA",
    }
    refused = await ask(app, **{name: str(known.get(value, value)) for name, value in stated.items()})
    assert (refused.status_code, reason in refused.text) == (400, True), refused.text
    assert await good(app, tokens["access_token"])
