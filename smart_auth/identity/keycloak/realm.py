"""What the facade asks Keycloak itself, as a client of one realm; browsers never see these addresses."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from smart_auth.identity.keycloak.wanted import CALLBACK, PREFIX
from smart_auth.identity.provider import ProviderDownError

Json = dict[str, Any]
TIMEOUT = httpx.Timeout(10.0, connect=3.0)
#: a service token is renewed before it ends
MARGIN_SECONDS = 30


class RefusedError(Exception):
    """Keycloak says no; the text is its error code."""


@dataclass(frozen=True)
class Connection:
    """Where Keycloak is, seen from here (`url`) and by browsers (below `base_url`), and who we are there."""

    url: str
    realm: str
    client_id: str
    client_secret: str = field(repr=False)
    base_url: str

    @property
    def issuer(self) -> str:
        """What Keycloak must call itself in tokens: the address that browsers know."""
        return f"{self.base_url}{PREFIX}/realms/{self.realm}"

    @property
    def redirect_uri(self) -> str:
        """Where it sends browsers back to."""
        return f"{self.base_url}{CALLBACK}"


class Realm:
    """A realm, asked over HTTP. Raises ProviderDownError when it can't be asked."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.http = httpx.AsyncClient(timeout=TIMEOUT)
        base = connection.url.rstrip("/")
        self._openid = f"{base}/realms/{connection.realm}/protocol/openid-connect"
        self._admin = f"{base}/admin/realms/{connection.realm}"
        self._token, self._token_ends = "", 0.0

    async def exchange(self, code: str, verifier: str) -> Json:
        """The tokens for a code; raises RefusedError."""
        return await self._tokens(
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            redirect_uri=self.connection.redirect_uri,
        )

    async def keys(self) -> list[Json]:
        """The realm's public keys: https://www.rfc-editor.org/rfc/rfc7517#section-5"""
        answer = await self._send("GET", f"{self._openid}/certs")
        found: list[Json] = _json(answer).get("keys", [])
        return found

    async def end_session(self, refresh_token: str) -> None:
        """Ends the session that a refresh token belongs to; one that has ended already is fine."""
        await self._send("POST", f"{self._openid}/logout", data={"refresh_token": refresh_token})

    async def user(self, subject: str) -> Json | None:
        """A user of the realm; None if there is none (any more)."""
        found: Json | None = await self._looked_up(f"/users/{quote(subject, safe='')}")
        return found

    async def roles(self, subject: str) -> list[str]:
        """The realm roles that a user has by now, also those by groups and by other roles."""
        path = f"/users/{quote(subject, safe='')}/role-mappings/realm/composite"
        return [role["name"] for role in await self._looked_up(path) or []]

    async def close(self) -> None:
        """Gives connections back."""
        await self.http.aclose()

    async def _looked_up(self, path: str) -> Any:
        answer = await self._as_ourselves(path)
        if answer.status_code == httpx.codes.UNAUTHORIZED:  # the token was revoked, or Keycloak began anew
            self._token_ends = 0.0
            answer = await self._as_ourselves(path)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        if not answer.is_success:
            raise ProviderDownError(f"Keycloak doesn't let us look users up ({answer.status_code})")
        return answer.json()

    async def _as_ourselves(self, path: str) -> httpx.Response:
        if time.monotonic() > self._token_ends:
            try:
                tokens = await self._tokens(grant_type="client_credentials")
            except RefusedError as refused:
                raise ProviderDownError(f"Keycloak refuses the facade's own client: {refused}") from None
            self._token = tokens["access_token"]
            self._token_ends = time.monotonic() + tokens["expires_in"] - MARGIN_SECONDS
        return await self._send("GET", self._admin + path, headers={"authorization": f"Bearer {self._token}"})

    async def _tokens(self, **form: str) -> Json:
        answer = await self._send("POST", f"{self._openid}/token", data=form)
        found = _json(answer)
        if not answer.is_success:
            raise RefusedError(str(found.get("error", answer.status_code)))
        return found

    async def _send(self, method: str, url: str, **arguments: Any) -> httpx.Response:
        if method == "POST":
            arguments["auth"] = (quote(self.connection.client_id, safe=""), self._secret)
        try:
            answer = await self.http.request(method, url, **arguments)
        except httpx.HTTPError as error:
            raise ProviderDownError(f"Keycloak doesn't answer ({type(error).__name__})") from error
        if answer.is_server_error:
            raise ProviderDownError(f"Keycloak answers {answer.status_code}")
        return answer

    @property
    def _secret(self) -> str:
        """Encoded as RFC 6749 wants it in a header: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1"""
        return quote(self.connection.client_secret, safe="")


def _json(answer: httpx.Response) -> Json:
    """The answer's object, {} if it is none."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
