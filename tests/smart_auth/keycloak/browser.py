"""A browser before Keycloak's login page, and what the provider tells the authorization server of it."""

from __future__ import annotations

import html
import re
from dataclasses import asdict, dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from fhir_facade.settings import Settings
from smart_auth.identity.keycloak.provider import KeycloakProvider
from smart_auth.identity.keycloak.realm import Connection
from smart_auth.identity.keycloak.wanted import roles
from smart_auth.identity.provider import ProviderDownError, SignedIn, SignedOut
from tests.services.keycloak import PUBLIC
from tests.smart_auth.keycloak.realms import PASSWORD

IDP = "/api/auth/idp"
_FORM = re.compile(r'<form id="kc-form-login".*?action="([^"]+)"', re.DOTALL)


@dataclass
class Told:
    """Keeps what the provider told: a `SignIn` that ends with an answer instead of going on."""

    signed_in: list[SignedIn] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    signed_out: list[SignedOut] = field(default_factory=list)

    async def finish(
        self, request: Request, pending: str, signed_in: SignedIn, *, lang: str = ""
    ) -> Response:
        self.signed_in.append(signed_in)
        user = asdict(signed_in.user)
        return JSONResponse({"pending": pending, **user, "roles": sorted(user["roles"])})

    async def refuse(self, request: Request, pending: str, reason: str, username: str = "") -> Response:
        self.refused.append(reason)
        return JSONResponse({"pending": pending, "refused": reason}, 403)

    async def ended(self, signed_out: SignedOut) -> None:
        self.signed_out.append(signed_out)


async def practitioner(username: str) -> str:
    """As the hospital's databases have it."""
    return {"doctor": "Practitioner/user-2", "erin": "Practitioner/user-4"}.get(username, "")


class Front:
    """The provider's routes, with a browser before them."""

    def __init__(self, settings: Settings) -> None:
        self.connection = Connection(
            settings.keycloak_url,
            settings.keycloak_realm,
            settings.keycloak_client_id,
            settings.keycloak_client_secret,
            settings.base_url,
        )
        self.provider = KeycloakProvider(self.connection, practitioner, frozenset(roles()))
        self.told = Told()
        self.app = FastAPI()
        self.app.include_router(self.provider.routes(self.told), prefix="/api/auth")
        self.app.add_exception_handler(ProviderDownError, _down)
        self.browser = self.new_browser()

    def new_browser(self) -> httpx.AsyncClient:
        """Another browser, without cookies."""
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(
            transport=transport, base_url=PUBLIC, follow_redirects=True, timeout=60, cookies=cookie_jar()
        )

    async def login_page(self, pending: str = "what-goes-on", *, again: bool = False) -> httpx.Response:
        """Keycloak's page, or what comes instead."""
        return await self.browser.get(f"/api/auth{self.provider.start(pending, again=again)}")

    async def sign_in(
        self, username: str, password: str = PASSWORD, pending: str = "what-goes-on"
    ) -> httpx.Response:
        """The whole way: the last answer."""
        return await self.enter(await self.login_page(pending), username, password)

    async def enter(self, page: httpx.Response, username: str, password: str = PASSWORD) -> httpx.Response:
        """Fills the login form in."""
        form = {"username": username, "password": password}
        return await self.browser.post(action(page), data=form)

    async def close(self) -> None:
        await self.browser.aclose()
        await self.provider.close()


def cookie_jar() -> CookieJar:
    """Cookies as a browser keeps them for a loopback address: Keycloak's are Secure on http too."""
    return CookieJar(DefaultCookiePolicy(secure_protocols=("https", "http")))


def action(page: httpx.Response) -> str:
    """Where a login page's form goes."""
    found = _FORM.search(page.text)
    assert found, f"{page.status_code} {page.text[:500]}"
    return html.unescape(found.group(1))


async def _down(request: Request, error: Any) -> Response:
    return JSONResponse({"down": str(error)}, 503)
