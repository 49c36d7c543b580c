"""Codes and refresh tokens: used once, by whom they are for; who shows one twice ends the family."""

import asyncio
import time

import pytest

from smart_auth.access.caller import TokenFault
from tests.smart_auth.app import AUTH, BUILT_IN, CALLBACK, SCOPE, Answer, App, pkce, register, server_of


async def good(app: App, token: str) -> bool:
    """Whether an access token opens the FHIR base."""
    response = await app.facade.http.get(
        "/api/fhir/Patient?_count=1", headers={"authorization": f"Bearer {token}"}
    )
    assert response.status_code in (200, 401)
    return response.status_code == 200


async def refused(response_of: object, error: str) -> Answer:
    response = await response_of  # type: ignore[misc]
    assert response.status_code == 400, response.text
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    assert response.headers["content-type"] == "application/json"
    found: Answer = response.json()
    assert found["error"] == error, found
    return found


async def test_a_replayed_code_revokes_its_tokens(app: App) -> None:
    code = (await app.code())["code"]
    tokens = (await app.exchange(code)).json()
    assert await good(app, tokens["access_token"])
    await refused(app.exchange(code), "invalid_grant")
    assert not await good(app, tokens["access_token"])
    await refused(app.refresh(tokens["refresh_token"]), "invalid_grant")


async def test_a_code_that_many_exchange_at_once_is_good_for_nobody_twice(app: App) -> None:
    code = (await app.code())["code"]
    answers = await asyncio.gather(*(app.exchange(code) for _ in range(6)))
    won = [a for a in answers if a.status_code == 200]
    assert len(won) <= 1
    assert all(a.json()["error"] == "invalid_grant" for a in answers if a not in won)
    assert not [a for a in won if await good(app, a.json()["access_token"])]


async def test_a_code_is_bound_to_client_address_and_verifier(app: App) -> None:
    code = (await app.code())["code"]
    other = register(app.facade)
    await refused(app.exchange(code, client_id=other.client_id), "invalid_grant")
    await refused(app.exchange(code, redirect_uri=f"{CALLBACK}/"), "invalid_grant")
    await refused(app.exchange(code, code_verifier=pkce()[0]), "invalid_grant")
    await refused(app.exchange(code, code_verifier=app.challenge), "invalid_grant")
    await refused(app.exchange(code, code_verifier=""), "invalid_request")
    await refused(app.exchange(code, code_verifier="short"), "invalid_grant")
    assert (await app.exchange(code)).status_code == 200  # nobody else could spoil it


async def test_a_code_is_good_for_a_minute(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (await app.code())["code"]
    later = int(time.time()) + 61
    monkeypatch.setattr("smart_auth.store.families.now", lambda: later)
    await refused(app.exchange(code), "invalid_grant")


async def test_what_the_endpoint_does_not_know_is_refused(app: App) -> None:
    await refused(app.exchange("no-such-code"), "invalid_grant")
    await refused(app.post(grant_type="password", client_id=app.client.client_id), "unsupported_grant_type")
    await refused(app.post(client_id=app.client.client_id), "unsupported_grant_type")
    await refused(app.post(grant_type="refresh_token"), "invalid_client")
    await refused(app.refresh("no-such-token"), "invalid_grant")
    await refused(app.facade.http.post(f"{AUTH}/token", json={"grant_type": "x"}), "invalid_request")
    twice = "grant_type=refresh_token&grant_type=refresh_token"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    await refused(app.facade.http.post(f"{AUTH}/token", content=twice, headers=headers), "invalid_request")
    assert (await app.facade.http.get(f"{AUTH}/token")).status_code == 405


async def test_a_refresh_token_is_replaced_each_time(app: App) -> None:
    tokens = await app.tokens()
    response = await app.refresh(tokens["refresh_token"])
    assert response.status_code == 200
    fresh = response.json()
    assert fresh["scope"] == tokens["scope"]
    assert fresh["patient"] == tokens["patient"]
    assert fresh["refresh_token"] != tokens["refresh_token"]
    assert await good(app, fresh["access_token"])


async def test_a_refresh_token_used_twice_ends_the_family(app: App) -> None:
    tokens = await app.tokens()
    fresh = (await app.refresh(tokens["refresh_token"])).json()
    await refused(app.refresh(tokens["refresh_token"]), "invalid_grant")
    await refused(app.refresh(fresh["refresh_token"]), "invalid_grant")
    assert not await good(app, tokens["access_token"])
    assert not await good(app, fresh["access_token"])


async def test_of_concurrent_refreshes_at_most_one_wins(app: App) -> None:
    tokens = await app.tokens()
    answers = await asyncio.gather(*(app.refresh(tokens["refresh_token"]) for _ in range(6)))
    won = [a for a in answers if a.status_code == 200]
    assert len(won) <= 1
    assert {a.json()["error"] for a in answers if a not in won} == {"invalid_grant"}
    for answer in won:
        await refused(app.refresh(answer.json()["refresh_token"]), "invalid_grant")


async def test_a_refresh_may_ask_for_less_and_never_for_more(app: App) -> None:
    tokens = await app.tokens(scope="launch/patient patient/*.rs openid offline_access")
    await refused(app.refresh(tokens["refresh_token"], scope="patient/*.cruds"), "invalid_scope")
    await refused(app.refresh(tokens["refresh_token"], scope="patient/*.rs user/*.rs"), "invalid_scope")
    less = await app.refresh(tokens["refresh_token"], scope="patient/Observation.rs")
    assert less.json()["scope"] == "patient/Observation.rs"
    again = await app.refresh(less.json()["refresh_token"])
    assert again.json()["scope"] == tokens["scope"]


async def test_a_refresh_token_is_its_clients_alone(app: App) -> None:
    tokens = await app.tokens()
    other = register(app.facade)
    await refused(app.refresh(tokens["refresh_token"], client_id=other.client_id), "invalid_grant")
    assert (await app.refresh(tokens["refresh_token"])).status_code == 200


async def test_online_access_ends_with_the_session_and_offline_access_does_not(app: App) -> None:
    online = await app.tokens(scope=SCOPE.replace("offline_access", "online_access"))
    offline = await app.tokens()
    await app.submit(await app.follow(await app.ask()), "sign-out")
    await refused(app.refresh(online["refresh_token"]), "invalid_grant")
    assert not await good(app, online["access_token"])
    assert (await app.refresh(offline["refresh_token"])).status_code == 200


@BUILT_IN
async def test_a_locked_user_is_out_at_once(app: App) -> None:
    from smart_auth.store.users import Users

    nurse = App.of(app.facade, app.client, "nurse2")
    tokens = await nurse.tokens()
    server = server_of(app.facade)
    users = Users(server.store)
    subject = users.change("nurse2", locked=True)
    try:
        await refused(nurse.refresh(tokens["refresh_token"]), "invalid_grant")
        server.sessions.end_all(subject, 3600)
        assert not await good(app, tokens["access_token"])
        page = await nurse.follow(await nurse.ask())
        assert 'action="/api/auth/login"' in page.text
    finally:
        users.change("nurse2", locked=False)
    await nurse.browser.aclose()


async def test_revocation_is_for_the_tokens_client_and_at_once(app: App) -> None:
    tokens = await app.tokens()
    other = register(app.facade)
    foreign = await app.post("revoke", token=tokens["access_token"], client_id=other.client_id)
    assert foreign.status_code == 200
    assert await good(app, tokens["access_token"])
    mine = await app.post("revoke", token=tokens["access_token"], client_id=app.client.client_id)
    assert mine.status_code == 200
    assert mine.content == b""
    assert not await good(app, tokens["access_token"])
    assert (
        await app.refresh(tokens["refresh_token"])
    ).status_code == 200  # that one was the access token only


async def test_revoking_a_refresh_token_ends_its_family(app: App) -> None:
    tokens = await app.tokens()
    await app.post("revoke", token=tokens["refresh_token"], client_id=app.client.client_id)
    assert not await good(app, tokens["access_token"])
    await refused(app.refresh(tokens["refresh_token"]), "invalid_grant")
    unknown = await app.post("revoke", token="nothing", client_id=app.client.client_id)
    assert unknown.status_code == 200


async def test_a_revoked_client_is_out_at_once(app: App) -> None:
    tokens = await app.tokens()
    server = server_of(app.facade)
    server.clients.revoke(app.client.client_id, 3600)
    assert not await good(app, tokens["access_token"])
    await refused(app.refresh(tokens["refresh_token"]), "invalid_client")
    assert (await app.ask()).status_code == 400
    with pytest.raises(TokenFault):
        await server.bearer.caller(f"Bearer {tokens['access_token']}")


async def test_pages_of_registered_apps_may_call_and_others_may_not(app: App) -> None:
    http = app.facade.http
    asked = {"access-control-request-method": "POST"}
    await asyncio.sleep(0)
    server_of(app.facade)
    allowed = await http.options(f"{AUTH}/token", headers={"origin": "https://app.example", **asked})
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    foreign = await http.options(f"{AUTH}/token", headers={"origin": "https://evil.example", **asked})
    assert "access-control-allow-origin" not in foreign.headers


async def test_a_scope_that_the_client_lost_is_gone_from_the_next_refresh_on(app: App) -> None:
    granted = await app.tokens(scope="openid offline_access user/*.rs launch/patient patient/*.rs")
    clients = server_of(app.facade).clients
    clients.change(app.client.client_id, scopes="openid offline_access user/Patient.rs launch/patient")
    renewed = (await app.refresh(granted["refresh_token"])).json()
    assert set(renewed["scope"].split()) == {"openid", "offline_access", "launch/patient"}
    clients.change(app.client.client_id, scopes="launch/encounter")
    refused = await app.refresh(renewed["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
