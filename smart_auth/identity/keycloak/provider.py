"""Keycloak as the identity provider: OpenID Connect's code flow with PKCE, and a look at the user later on.

https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response

from smart_auth.access.caller import User
from smart_auth.endpoints.browser import FormFault, form_pairs
from smart_auth.identity.keycloak.id_token import IdTokenFault, IdTokens
from smart_auth.identity.keycloak.logout_token import signed_out
from smart_auth.identity.keycloak.proxy import Proxy
from smart_auth.identity.keycloak.realm import Connection, Realm, RefusedError
from smart_auth.identity.keycloak.sign_in import SignInAttempt
from smart_auth.identity.provider import SignedIn, SignIn

#: the FHIR resource of the user with a name, as a relative reference; empty if there is none
ResourceOf = Callable[[str], Awaitable[str]]
PRIVATE = {"cache-control": "no-store", "referrer-policy": "no-referrer"}


class KeycloakProvider:
    """See `IdentityProvider`. `resource_of` is asked for users to whom Keycloak gives no `fhir_user`; of a
    user's roles only `known` ones count.
    """

    name = "keycloak"

    def __init__(self, connection: Connection, resource_of: ResourceOf, known: frozenset[str]) -> None:
        self.connection, self._resource_of, self._known = connection, resource_of, known
        self.realm = Realm(connection)
        self._tokens = IdTokens(connection.issuer, connection.client_id, self.realm.keys)
        self._secure = connection.base_url.startswith("https:")

    def start(self, pending: str, *, again: bool = False) -> str:
        """Our own address first: it binds the sign-in to the browser."""
        return f"/idp/sign-in?request={quote(pending, safe='')}{'&again=1' if again else ''}"

    def routes(self, sign_in: SignIn) -> APIRouter:
        """The way there, the way back, and Keycloak's own login pages between them."""
        router = APIRouter(prefix="/idp")
        proxy = Proxy(self.connection, self.realm.http)

        @router.get("/sign-in")
        async def begin(request: Request) -> Response:
            return await self._begin(request, sign_in)

        @router.get("/callback")
        async def callback(request: Request) -> Response:
            return await self._callback(request, sign_in)

        @router.post("/logout")
        async def logout(request: Request) -> Response:
            return await self._logged_out(request, sign_in)

        router.add_api_route("/{path:path}", proxy.answer, methods=["GET", "HEAD", "POST"])
        return router

    async def current(self, subject: str, held: str) -> User | None:
        """The user as Keycloak knows them now; None for one who is gone, disabled, or was signed out by an
        administrator since.
        """
        found = await self.realm.user(subject)
        if found is None or not found.get("enabled"):
            return None
        if found.get("notBefore", 0) > json.loads(held)["since"]:
            return None
        attribute = (found.get("attributes") or {}).get("fhir_user") or [""]
        return await self._user(
            subject,
            found["username"],
            _name(found.get("firstName"), found.get("lastName")),
            await self.realm.roles(subject),
            attribute[0],
        )

    async def sign_out(self, subject: str, held: str) -> None:
        """Ends the session at Keycloak, for every application that shares it."""
        await self.realm.end_session(json.loads(held)["refresh"])

    async def close(self) -> None:
        """Gives connections back."""
        await self.realm.close()

    async def _begin(self, request: Request, sign_in: SignIn) -> Response:
        attempt = SignInAttempt.begun(request.query_params.get("request", ""))
        if not attempt.fits:
            return await sign_in.refuse(request, attempt.pending, "the request is too long to be kept")
        asked = {
            "client_id": self.connection.client_id,
            "redirect_uri": self.connection.redirect_uri,
            "response_type": "code",
            "scope": "openid",
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        stated = request.query_params
        asked |= {"prompt": "login"} if stated.get("again") else {}
        asked |= {"ui_locales": stated["lang"]} if stated.get("lang") else {}
        address = f"{self.connection.issuer}/protocol/openid-connect/auth?{urlencode(asked)}"
        response = Response(None, 303, {**PRIVATE, "location": address})
        attempt.keep(response, request.cookies, secure=self._secure)
        return response

    async def _callback(self, request: Request, sign_in: SignIn) -> Response:
        answer = request.query_params
        attempt = SignInAttempt.of(request.cookies, answer.get("state", ""))
        if attempt is None:
            return await sign_in.refuse(request, "", "an answer that this browser didn't ask for")
        try:
            signed_in = await self._signed_in(answer, attempt)
        except (RefusedError, IdTokenFault) as fault:
            return await sign_in.refuse(request, attempt.pending, f"Keycloak: {fault}")
        response = await sign_in.finish(request, attempt.pending, signed_in)
        attempt.drop(response, secure=self._secure)
        return response

    async def _logged_out(self, request: Request, sign_in: SignIn) -> Response:
        """https://openid.net/specs/openid-connect-backchannel-1_0.html#BCResponse"""
        try:
            form = dict(await form_pairs(request))
            told = signed_out(await self._tokens.logout_claims(form.get("logout_token", "")))
        except (FormFault, IdTokenFault) as fault:
            said = {"error": "invalid_request", "error_description": str(fault)}
            return Response(json.dumps(said), 400, PRIVATE, "application/json")
        await sign_in.ended(told)
        return Response(None, 200, PRIVATE)

    async def _signed_in(self, answer: Mapping[str, str], attempt: SignInAttempt) -> SignedIn:
        if answer.get("iss", self.connection.issuer) != self.connection.issuer:
            raise RefusedError("the answer is another issuer's")  # RFC 9207
        if "code" not in answer:
            raise RefusedError(answer.get("error", "no code")[:64])
        tokens = await self.realm.exchange(answer["code"], attempt.verifier)
        claims = await self._tokens.claims(tokens.get("id_token", ""), attempt.nonce)
        since = claims.get("auth_time") or claims["iat"]
        held = {"since": since, "refresh": tokens.get("refresh_token", "")}
        return SignedIn(await self._user_of(claims), json.dumps(held), since, str(claims.get("sid", "")))

    async def _user_of(self, claims: Mapping[str, Any]) -> User:
        return await self._user(
            claims["sub"],
            claims["preferred_username"],
            _name(claims.get("given_name"), claims.get("family_name")),
            (claims.get("realm_access") or {}).get("roles", []),
            claims.get("fhir_user", ""),
        )

    async def _user(
        self, subject: str, username: str, name: str, held: Iterable[str], fhir_user: str
    ) -> User:
        resource = fhir_user or await self._resource_of(username)
        return User(subject, username, name or username, self._known & frozenset(held), resource)


def _name(given: str | None, family: str | None) -> str:
    """As it is said: family name first and no blank between in Korean, else as Keycloak writes it."""
    hangul = any("가" <= letter <= "힣" for letter in f"{given or ''}{family or ''}")
    return f"{family or ''}{given or ''}" if hangul else f"{given or ''} {family or ''}".strip()
