"""Remembered consent: what a user allowed an app is not asked again, and never more than that is given."""

import re
import time
from html import unescape
from typing import Any

import httpx
import pytest

from smart_auth.endpoints.apps import OWN
from tests.facade.facade import ORIGIN
from tests.smart_auth.app import AUTH, CALLBACK, App, offered, register, server_of

pytestmark = pytest.mark.parametrize("secured", ["embedded", "mysql"], indirect=True)
SCOPE = "openid offline_access user/Patient.rs user/Observation.rs"
LOOPBACK = "http://127.0.0.1:9000/"


async def next_page(app: App, **changes: str | None) -> httpx.Response:
    """Where a further request of the app leads a user who is signed in."""
    return await app.follow(await app.ask(**{"scope": SCOPE, **changes}))


def asked(response: httpx.Response) -> bool:
    return 'action="/api/auth/consent"' in response.text


async def error_of(app: App, **changes: str | None) -> str:
    return app.came_back(await next_page(app, **changes)).get("error", "")


async def test_what_was_allowed_is_not_asked_again(app: App) -> None:
    first = await app.tokens(scope=SCOPE)
    again = app.came_back(await next_page(app))
    assert again["state"] == "a state/+ü~"
    answer = (await app.exchange(again["code"])).json()
    assert answer["scope"] == first["scope"]
    assert answer["refresh_token"] != first["refresh_token"]
    less = app.came_back(await next_page(app, scope="openid user/Patient.rs"))
    assert (await app.exchange(less["code"])).json()["scope"] == "openid user/Patient.rs"


async def test_more_than_was_allowed_is_asked_for(app: App) -> None:
    await app.tokens(scope=SCOPE)
    page = await next_page(app, scope=f"{SCOPE} user/Condition.rs")
    assert asked(page)
    assert offered(page) == [*SCOPE.split(), "user/Condition.rs"]
    assert await error_of(app, scope=f"{SCOPE} user/Condition.rs", prompt="none") == "consent_required"


async def test_what_was_unticked_is_never_remembered(app: App) -> None:
    await app.tokens(scope=SCOPE)
    page = await next_page(app, prompt="consent")
    ticked = ["openid", "user/Patient.rs"]
    app.came_back(await app.submit(page, "consent", decision="allow", scope=ticked))
    assert asked(await next_page(app))
    assert asked(await next_page(app, scope="openid user/Observation.rs"))
    assert "code" in app.came_back(await next_page(app, scope=" ".join(ticked)))


async def test_prompt_decides_whether_the_user_is_asked(app: App) -> None:
    assert await error_of(app, prompt="none") == "login_required"
    page = await app.consent_page(scope=SCOPE)
    assert await error_of(app, prompt="none") == "consent_required"
    app.came_back(await app.submit(page, "consent", decision="allow", scope=offered(page)))
    assert "code" in app.came_back(await next_page(app, prompt="none"))
    assert asked(await next_page(app, prompt="consent"))
    needs_patient = f"{SCOPE} launch/patient patient/*.rs"
    assert await error_of(app, prompt="none", scope=needs_patient) == "interaction_required"


async def test_a_patient_is_chosen_each_time_and_nothing_else_is_asked(app: App) -> None:
    scope = "launch/patient patient/*.rs openid"
    await app.tokens(scope=scope)
    picker = await next_page(app, scope=scope)
    assert 'action="/api/auth/patient"' in picker.text
    came = app.came_back(await app.submit(picker, "patient", patient="P-2025-000002"))
    assert (await app.exchange(came["code"])).json()["patient"] == "P-2025-000002"


async def test_who_refuses_is_asked_the_next_time(app: App) -> None:
    await app.tokens(scope=SCOPE)
    page = await next_page(app, prompt="consent")
    assert app.came_back(await app.submit(page, "consent", decision="deny"))["error"] == "access_denied"
    assert asked(await next_page(app))


async def test_an_approval_is_of_one_user_and_one_app(app: App) -> None:
    await app.tokens(scope=SCOPE)
    other = app.another(client=register(app.facade))
    assert asked(await next_page(other))
    nurse = App.of(app.facade, app.client, "nurse")
    assert asked(await nurse.consent_page(scope=SCOPE))
    await nurse.browser.aclose()


@pytest.mark.parametrize(
    ("changes", "remembered"),
    [
        ({"redirect_uris": LOOPBACK}, False),
        ({"redirect_uris": "com.example.app:/cb"}, False),
        ({"redirect_uris": LOOPBACK, "kind": "symmetric"}, True),
        ({"redirect_uris": f"{CALLBACK} {LOOPBACK}"}, True),
    ],
)
async def test_an_app_that_others_can_pose_as_is_always_asked_about(
    app: App, changes: dict[str, Any], remembered: bool
) -> None:
    mine = app.another(client=register(app.facade, **changes))
    uri = mine.client.redirect_uris.split()[0]
    page = await mine.consent_page(scope=SCOPE, redirect_uri=uri)
    assert ("/api/auth/apps" in page.text) is remembered
    await mine.submit(page, "consent", decision="allow", scope=offered(page))
    assert asked(await next_page(mine, redirect_uri=uri)) is not remembered
    if uri == CALLBACK:  # the same app, answered where anybody may listen
        assert asked(await next_page(mine, redirect_uri=LOOPBACK))


async def test_an_approval_expires(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    await app.tokens(scope=SCOPE)
    later = int(time.time()) + 30 * 86400
    monkeypatch.setattr("smart_auth.store.approvals.now", lambda: later)
    assert asked(await next_page(app))


def listed(page: httpx.Response) -> dict[str, str]:
    """client_id → its part of the page."""
    parts = re.findall(r'<form class="app".*?</form>', page.text, re.S)
    return {re.findall(r'name="client_id" value="([^"]+)"', part)[0]: part for part in parts}


async def test_users_see_their_apps_and_shut_them_out(app: App) -> None:
    tokens = await app.tokens(scope=SCOPE)
    page = await app.browser.get(f"{AUTH}/apps")
    mine = listed(page)[app.client.client_id]
    assert "An &lt;App&gt;" in mine
    assert "keep access after you have left" in unescape(mine)
    gone = await shut_out(app, page, app.client.client_id)
    assert app.client.client_id not in listed(gone)
    assert asked(await next_page(app))
    assert (await app.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    refused = await app.facade.get("Patient?_count=1", authorization=f"Bearer {tokens['access_token']}")
    assert refused.status_code == 401


async def shut_out(app: App, page: httpx.Response, client_id: str, **changes: str) -> httpx.Response:
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
    form = {"csrf": csrf, "client_id": client_id, **changes}
    return await app.follow(await app.browser.post(f"{AUTH}/apps", data=form, headers={"origin": ORIGIN}))


async def test_nobody_else_shuts_an_app_out(app: App) -> None:
    await app.tokens(scope=SCOPE)
    page = await app.browser.get(f"{AUTH}/apps")
    assert (await shut_out(app, page, app.client.client_id, csrf="x")).status_code == 403
    nurse = App.of(app.facade, app.client, "nurse")
    theirs = await nurse.sign_in(await nurse.follow(await nurse.browser.get(f"{AUTH}/apps?lang=ko")))
    assert "내 앱" in theirs.text
    assert app.client.client_id not in listed(theirs)
    assert (await shut_out(nurse, page, app.client.client_id)).status_code == 403  # another browser's form
    await nurse.tokens(scope=SCOPE)
    theirs = await nurse.browser.get(f"{AUTH}/apps")
    assert (await shut_out(nurse, theirs, app.client.client_id)).status_code == 200
    assert "code" in app.came_back(await next_page(app))
    await nurse.browser.aclose()


async def test_the_sign_in_of_the_apps_page_grants_nothing(app: App) -> None:
    page = await app.consent_page(scope=SCOPE)
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
    text = OWN.sealed(server_of(app.facade))
    for decision in ("allow", "deny"):
        form = {"request": text, "csrf": csrf, "decision": decision, "scope": "openid"}
        refused = await app.browser.post(f"{AUTH}/consent", data=form, headers={"origin": ORIGIN})
        assert refused.status_code == 400
        assert "location" not in refused.headers


async def test_the_page_tells_of_no_app_that_was_revoked(app: App) -> None:
    await app.tokens(scope=SCOPE)
    server_of(app.facade).clients.revoke(app.client.client_id, 60)
    assert app.client.client_id not in listed(await app.browser.get(f"{AUTH}/apps"))
