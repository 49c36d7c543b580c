"""An app and a browser that sign in at a facade: what a SMART client does, step by step."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from fhir_facade import demo_users
from smart_auth.server import AuthorizationServer
from smart_auth.store.tables import Client
from smart_auth.store.transaction import now
from tests.facade.facade import BASE, ORIGIN, Facade
from tests.smart_auth.keycloak.browser import action, cookie_jar
from tests.smart_auth.keycloak.realms import PASSWORD

AUTH = f"{ORIGIN}/api/auth"
CALLBACK = "https://app.example/callback?from=hospital"
SCOPE = "launch/patient patient/*.rs user/*.rs openid fhirUser profile offline_access"
Answer = dict[str, Any]
#: for what is the built-in users' own: Keycloak keeps passwords and locks by itself
BUILT_IN = pytest.mark.parametrize("secured", ["embedded", "mariadb", "mysql"], indirect=True)


def server_of(facade: Facade) -> AuthorizationServer:
    assert facade.app.authorization is not None
    return facade.app.authorization


def register(facade: Facade, **changes: Any) -> Client:
    """A client of its own for a test; public unless told otherwise."""
    client = Client(
        client_id=f"app-{secrets.token_hex(4)}",
        name="An <App>",
        kind="public",
        redirect_uris=CALLBACK,
        scopes=f"{SCOPE} launch online_access launch/encounter patient/*.cruds user/*.cruds",
        created=now(),
    )
    for name, value in changes.items():
        setattr(client, name, value)
    server_of(facade).clients.put(client)
    return client


def pkce() -> tuple[str, str]:
    """A verifier and its S256 challenge."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(frozen=True)
class App:
    """A client with the browser of one user: `ask` begins, `token` ends."""

    facade: Facade
    client: Client
    username: str = "doctor"
    verifier: str = ""
    challenge: str = ""
    browser: httpx.AsyncClient = field(kw_only=True)

    @classmethod
    def of(cls, facade: Facade, client: Client | None = None, username: str = "doctor") -> App:
        verifier, challenge = pkce()
        browser = httpx.AsyncClient(
            transport=httpx.ASGITransport(facade.app), base_url=ORIGIN, cookies=cookie_jar(), timeout=30
        )
        return cls(facade, client or register(facade), username, verifier, challenge, browser=browser)

    def request(self, **changes: str | None) -> dict[str, str]:
        """The parameters of an authorization request; None takes one away."""
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": CALLBACK,
            "scope": SCOPE,
            "state": "a state/+ü~",
            "aud": BASE,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in asked.items() if value is not None}

    async def ask(self, **changes: str | None) -> httpx.Response:
        """The authorization request, as a browser sends it; its first answer."""
        return await self.browser.get(f"{AUTH}/authorize?{urlencode(self.request(**changes))}")

    async def follow(self, response: httpx.Response) -> httpx.Response:
        """Every redirect within the server; stops at a page, or on the way out."""
        while response.status_code in (302, 303) and response.headers["location"].startswith(ORIGIN):
            response = await self.browser.get(response.headers["location"])
        return response

    async def submit(self, page: httpx.Response, path: str, **values: Any) -> httpx.Response:
        """A form of the page, with what was entered."""
        form = re.search(rf'<form[^>]*action="/api/auth/{path}".*?</form>', page.text, re.S)
        assert form, page.text
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0])
        content = urlencode({**{n: unescape(v) for n, v in hidden}, **values}, doseq=True)
        headers = {"content-type": "application/x-www-form-urlencoded", "origin": ORIGIN}
        return await self.follow(await self.browser.post(f"{AUTH}/{path}", content=content, headers=headers))

    async def sign_in(self, page: httpx.Response, password: str = "") -> httpx.Response:
        """Fills in the sign-in page, whoever's it is."""
        entered = {"username": self.username, "password": password or self.password}
        if not self.facade.settings.keycloak_url:
            return await self.submit(page, "login", **entered)
        return await self.follow(await self.browser.post(action(page), data=entered))

    @property
    def password(self) -> str:
        if self.facade.settings.keycloak_url:
            return PASSWORD
        return demo_users.password(self.facade.settings.data_path) or "a password of tests"

    async def consent_page(self, *, patient: str = "P-2025-000001", **changes: str | None) -> httpx.Response:
        """The page that asks, after signing in and choosing a patient."""
        page = await self.follow(await self.ask(**changes))
        if asks_for_password(page):
            page = await self.sign_in(page)
        if 'action="/api/auth/patient"' in page.text:
            page = await self.submit(page, "patient", patient=patient)
        return page

    async def code(self, patient: str = "P-2025-000001", **changes: str | None) -> dict[str, str]:
        """What comes back to the app when everything is allowed."""
        page = await self.consent_page(patient=patient, **changes)
        if page.status_code == 303:  # allowed before
            return self.came_back(page)
        assert page.status_code == 200, f"{page.status_code} {page.headers} {page.text}"
        return self.came_back(await self.submit(page, "consent", decision="allow", scope=offered(page)))

    def came_back(self, response: httpx.Response) -> dict[str, str]:
        """The parameters that the browser brings to the app."""
        assert response.status_code == 303, response.text
        assert response.headers["location"].startswith(CALLBACK)
        return dict(parse_qsl(urlsplit(response.headers["location"]).query, strict_parsing=True))

    async def post(self, path: str = "token", **form: str) -> httpx.Response:
        """A call of the app's own server; `authorization` becomes a header."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if "authorization" in form:
            headers["authorization"] = form.pop("authorization")
        return await self.facade.http.post(f"{AUTH}/{path}", content=urlencode(form), headers=headers)

    async def exchange(self, code: str, **changes: str) -> httpx.Response:
        """The code for tokens."""
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "client_id": self.client.client_id,
            "code_verifier": self.verifier,
        }
        return await self.post(**{**asked, **changes})

    async def tokens(self, patient: str = "P-2025-000001", **changes: str | None) -> Answer:
        """The whole way."""
        response = await self.exchange((await self.code(patient, **changes))["code"])
        assert response.status_code == 200, response.text
        found: Answer = response.json()
        return found

    async def refresh(self, token: str, **changes: str) -> httpx.Response:
        """The next tokens."""
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": self.client.client_id}
        return await self.post(**{**form, **changes})

    def another(self, **changes: Any) -> App:
        """The same app with something else about it."""
        return replace(self, **changes)


def asks_for_password(page: httpx.Response) -> bool:
    """Whether it is a sign-in page, the built-in users' or Keycloak's."""
    return 'type="password"' in page.text


def offered(page: httpx.Response) -> list[str]:
    """The scopes of a consent page."""
    return [unescape(v) for v in re.findall(r'name="scope" value="([^"]*)"', page.text)]
