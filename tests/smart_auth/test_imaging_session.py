"""The cookie that stands for a token, for viewers that can't send one."""

from __future__ import annotations

import re

import httpx
import pytest

from smart_auth.tokens.minting import Granted
from tests.facade.facade import ORIGIN, Facade
from tests.smart_auth.app import App, server_of

SESSION = "/api/dicom-web/session"


@pytest.fixture
def http(secured: Facade) -> httpx.AsyncClient:
    """A browser before the facade."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=secured.app), base_url=ORIGIN)


async def begun(app: App, http: httpx.AsyncClient) -> tuple[str, str]:
    """A token, and the Set-Cookie header that it got."""
    token = (await app.tokens())["access_token"]
    answer = await http.post(SESSION, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 204
    return token, answer.headers["set-cookie"]


async def test_a_token_becomes_a_cookie_that_no_script_reads_and_no_other_site_sends(
    app: App, http: httpx.AsyncClient
) -> None:
    token, cookie = await begun(app, http)
    assert re.fullmatch(
        r"dicom_web_session=[\w-]+; Max-Age=\d{4}; Path=/api/dicom-web; HttpOnly; SameSite=Strict", cookie
    )
    assert token not in cookie
    assert (await http.get(SESSION)).status_code == 204


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_it_counts_for_this_servers_own_pages_only(
    app: App, http: httpx.AsyncClient, site: str
) -> None:
    await begun(app, http)
    assert (await http.get(SESSION, headers={"sec-fetch-site": "same-origin"})).status_code == 204
    assert (await http.get(SESSION, headers={"sec-fetch-site": site})).status_code == 401


async def test_it_ends_with_its_token_or_when_it_is_ended(app: App, http: httpx.AsyncClient) -> None:
    token, _ = await begun(app, http)
    revoked = await http.post("/api/auth/revoke", data={"token": token, "client_id": app.client.client_id})
    assert revoked.status_code == 200
    ended = await http.get(SESSION)
    assert (ended.status_code, ended.headers["www-authenticate"].split()[0]) == (401, "Bearer")
    await begun(app, http)
    assert (await http.delete(SESSION)).status_code == 204
    assert not http.cookies
    assert (await http.get(SESSION)).status_code == 401


async def test_cookies_of_other_programs_on_the_host_do_not_hide_it(
    app: App, http: httpx.AsyncClient
) -> None:
    _, cookie = await begun(app, http)
    http.cookies.clear()
    for other in ('theme={"dark":1}', "flag", "a@b=1", "name=한글", 'q="open'):
        sent = f"{other}; {cookie.partition(';')[0]}".encode()
        assert (await http.get(SESSION, headers=[(b"cookie", sent)])).status_code == 204, other


@pytest.mark.parametrize("authorization", ["", "Bearer made-up", "Basic eDp5"])
async def test_what_is_no_token_begins_none(http: httpx.AsyncClient, authorization: str) -> None:
    headers = {"authorization": authorization} if authorization else {}
    answer = await http.post(SESSION, headers=headers)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    forged = await http.get(SESSION, headers={"cookie": "dicom_web_session=AAAA"})
    assert forged.status_code == 401


async def test_a_token_that_fits_into_no_cookie_is_refused_and_good_for_itself(
    secured: Facade, http: httpx.AsyncClient
) -> None:
    minting = server_of(secured).minting
    for count, status in ((20, 204), (200, 400)):
        scopes = tuple(f"system/ImagingStudy.rs?identifier={number}" for number in range(count))
        token = minting.access_token(Granted("a-service", scopes), 300)
        answer = await http.post(SESSION, headers={"authorization": f"Bearer {token}"})
        cookie = answer.headers.get("set-cookie", "")
        assert (answer.status_code, bool(cookie), len(cookie) <= 4096) == (status, status == 204, True)
    assert "too large for a cookie" in answer.json()["message"]
    assert (await http.get(SESSION, headers={"cookie": ""})).status_code == 401


async def test_without_access_control_nobody_needs_one(embedded: Facade) -> None:
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=embedded.app), base_url=ORIGIN)
    for method in ("POST", "GET", "DELETE"):
        answer = await http.request(method, SESSION)
        assert (answer.status_code, answer.headers.get("set-cookie")) == (204, None)
