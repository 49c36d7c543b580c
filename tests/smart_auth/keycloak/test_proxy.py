"""Of Keycloak, browsers reach one realm's login pages and their files; whatever else they try is refused."""

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import unquote

import pytest
import pytest_asyncio

from fhir_facade.settings import Settings
from smart_auth.identity.keycloak.proxy import passed_on
from tests.services.keycloak import PUBLIC
from tests.services.process import free_port
from tests.smart_auth.keycloak.browser import IDP, Front, action
from tests.smart_auth.keycloak.echo import echo

REFUSED = (
    "",
    "admin",
    "admin/",
    "admin/master/console/",
    "admin/realms/hospital/users",
    "realms/hospital",
    "realms/hospital/",
    "realms/master/protocol/openid-connect/auth",
    "realms/master/login-actions/authenticate",
    "realms/another/protocol/openid-connect/auth",
    "realms/hospital/account",
    "realms/hospital/.well-known/openid-configuration",
    "realms/hospital/protocol/openid-connect/token",
    "realms/hospital/protocol/openid-connect/token/introspect",
    "realms/hospital/protocol/openid-connect/certs",
    "realms/hospital/protocol/openid-connect/userinfo",
    "realms/hospital/protocol/openid-connect/auth/device",
    "realms/hospital/protocol/openid-connect/ext/par/request",
    "realms/hospital/protocol/saml",
    "realms/hospital/clients-registrations/openid-connect",
    "realms/hospital/broker/x/endpoint",
    "realms/hospitalx/protocol/openid-connect/auth",
    "metrics",
    "health",
    "js/keycloak.js",
    "welcome",
)
TRICKS = (
    "resources/../admin/master/console/",
    "resources/..;/admin",
    "resources/%2e%2e/admin/master/console/",
    "resources/%2E%2E/admin",
    "resources/.%2e/admin",
    "resources/..%2fadmin",
    "resources%2f..%2fadmin",
    "resources/x/..%5cadmin",
    "resources/x/..\\admin",
    "resources/./x",
    "resources//x",
    "/admin",
    "//admin/master/console/",
    "%2fadmin",
    "realms/hospital/../master/protocol/openid-connect/auth",
    "realms/hospital/..;/master/protocol/openid-connect/auth",
    "realms/hospital%2f..%2fmaster/protocol/openid-connect/auth",
    "realms/hospital/protocol/openid-connect/auth/../token",
    "realms/hospital/protocol/openid-connect/auth%2f..%2ftoken",
    "realms/hospital/protocol/openid-connect/auth;x=/../token",
    "realms/hospital/protocol/openid-connect/auth/",
    "realms/%68ospital/protocol/openid-connect/auth",
    "realms/hospital/login-actions/../protocol/openid-connect/token",
    "realms/hospital/login-actions/%2e%2e/protocol/openid-connect/token",
    "resources/x\x00",
    "resources/x%00",
    "resources/x%0d%0aX: y",
    "resources/x\r\nX: y",
    "resources/ä",
)


@pytest_asyncio.fixture
async def front(with_keycloak: Settings) -> AsyncIterator[Front]:
    front = Front(with_keycloak)
    yield front
    await front.close()


async def raw(front: Front, path: bytes, method: str = "GET") -> int:
    """The status for a path that reaches the application byte by byte as it is."""
    sent: list[int] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": unquote(path.decode()),
        "raw_path": path,
        "query_string": b"",
        "headers": [(b"host", b"facade.test")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            sent.append(int(str(message["status"])))

    await front.app(scope, receive, send)  # type: ignore[arg-type]
    return sent[0]


@pytest.mark.parametrize("path", REFUSED)
async def test_what_is_no_login_page_is_not_found(front: Front, path: str) -> None:
    for method in ("GET", "POST"):
        assert (await front.browser.request(method, f"{IDP}/{path}")).status_code == 404


@pytest.mark.parametrize("path", TRICKS)
async def test_a_path_that_could_be_read_in_two_ways_is_not_found(front: Front, path: str) -> None:
    sent = f"{IDP}/{path}".encode()
    assert passed_on(sent) is None or path.endswith("/auth")
    for method in ("GET", "POST"):
        assert await raw(front, sent, method) == 404


async def test_an_encoded_prefix_is_not_ours(front: Front) -> None:
    login = "realms/hospital/protocol/openid-connect/auth"
    assert await raw(front, f"{IDP}/{login}".encode()) == 400  # Keycloak's own answer: parameters are missing
    assert await raw(front, f"/api/auth/%69dp/{login}".encode()) == 404
    assert await raw(front, f"/api/auth/idp%2f{login}".encode()) == 404


async def test_methods_that_login_pages_do_not_need_are_refused(front: Front) -> None:
    login = f"{IDP}/realms/hospital/protocol/openid-connect/auth"
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert (await front.browser.request(method, login)).status_code == 405
    refused = await front.browser.post(f"{IDP}/resources/x/style.css")
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET, HEAD"


async def test_a_large_body_is_refused(front: Front) -> None:
    page = await front.login_page()
    refused = await front.browser.post(action(page), content=b"x" * 70_000)
    assert refused.status_code == 413


async def test_keycloaks_own_protections_reach_the_browser(front: Front) -> None:
    page = await front.login_page()
    assert page.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "no-store" in page.headers["cache-control"]
    assert "transfer-encoding" not in page.headers
    assert "connection" not in page.headers
    assert len(page.headers.get_list("set-cookie")) >= 2


async def test_only_what_keycloak_may_know_is_passed_on(with_keycloak: Settings) -> None:
    async with echo(free_port()) as (url, heard):
        front = Front(replace(with_keycloak, keycloak_url=url))
        front.browser.follow_redirects = False
        answer = await front.browser.get(
            f"{IDP}/resources/x/y.css",
            headers={
                "cookie": "fhir_auth_session=s3cret; KC_RESTART=a; AUTH_SESSION_ID=b; other=KC_x",
                "authorization": "Bearer s3cret",
                "connection": "close, x-mine",
                "x-mine": "hop",
                "te": "trailers",
                "x-forwarded-for": "6.6.6.6",
                "x-forwarded-host": "evil.test",
                "x-forwarded-prefix": "/evil",
                "forwarded": "for=6.6.6.6",
                "accept-language": "ko",
                "host": "evil.test",
            },
        )
        await front.close()
    request = heard[0]
    assert request["cookie"] == "KC_RESTART=a; AUTH_SESSION_ID=b"
    assert request["x-forwarded-for"] == "127.0.0.1"
    assert request["x-forwarded-host"] == "facade.test"
    assert request["x-forwarded-proto"] == "http"
    assert request["x-forwarded-port"] == "80"
    assert request["accept-language"] == "ko"
    assert request["host"] == url.removeprefix("http://")
    assert not {"authorization", "x-mine", "te", "forwarded", "x-forwarded-prefix"} & request.keys()
    assert "s3cret" not in str(heard)
    assert answer.status_code == 302
    assert answer.headers["location"] == f"{PUBLIC}{IDP}/realms/hospital/login-actions/x"
    assert answer.headers.get_list("set-cookie") == [
        f"KC_A=1; Path={IDP}/realms/hospital/; HttpOnly",
        f"KC_B=2; Path={IDP}/realms/hospital/; Secure",
    ]
    assert not {"server", "keep-alive", "upgrade"} & answer.headers.keys()
