"""`/api/auth/end-session`: an app signs its user out, here and at the provider.

https://openid.net/specs/openid-connect-rpinitiated-1_0.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from smart_auth.endpoints.authorize import PENDING_SECONDS, Pairs, location
from smart_auth.endpoints.browser import Browser, decoded, form_pairs, redirect
from smart_auth.endpoints.pages import Page, language, user_of
from smart_auth.faults import PageFault
from smart_auth.seal import SealFault
from smart_auth.server import AuthorizationServer
from smart_auth.store.clients import post_logout_redirect_uris
from smart_auth.store.sessions import Login
from smart_auth.store.tables import Client
from smart_auth.tokens.keys import ALGORITHM


def add(routes: APIRouter, server: AuthorizationServer) -> None:
    """Adds the endpoint. What an app states is sealed first; then the browser comes with its own session."""

    @routes.get("/end-session")
    async def get_end_session(request: Request) -> Response:
        pairs = decoded(request.url.query.encode())
        sealed = dict(pairs).get("request")
        return await (_proceed(server, request, sealed) if sealed else _begin(server, request, pairs))

    @routes.post("/end-session")
    async def post_end_session(request: Request) -> Response:
        pairs = await form_pairs(request)
        form = dict(pairs)
        if "csrf" not in form:  # an app's form, with which no cookie comes
            return await _begin(server, request, pairs)
        Browser(server, request).refuse_foreign(form)
        asked = _opened(server, form.get("request", ""))
        return await _ended(server, request, await _login(server, request), asked)


async def _begin(server: AuthorizationServer, request: Request, pairs: Pairs) -> Response:
    if len(dict(pairs)) < len(pairs):
        raise PageFault("form")
    asked = await to_thread.run_sync(_read, server, dict(pairs))
    sealed = server.seals.logout.seal(asked, PENDING_SECONDS)
    lang = dict(pairs).get("ui_locales", "")[:2]
    return Browser(server, request).go("/end-session", request=sealed, lang=lang)


async def _proceed(server: AuthorizationServer, request: Request, sealed: str) -> Response:
    """Signs out who the app says is signed in; anybody else is asked first."""
    asked, login = _opened(server, sealed), await _login(server, request)
    if login is None or asked["subject"] == login.user.subject:
        return await _ended(server, request, login, asked)
    browser = Browser(server, request)
    page = Page(language(request), "", browser.csrf, user_of(login))
    return browser.page(page.html("end_session", request=sealed), redirect_uri=asked["back"])


async def _ended(
    server: AuthorizationServer, request: Request, login: Login | None, asked: Mapping[str, Any]
) -> Response:
    if login is not None:
        await server.sign_out(login)
    browser = Browser(server, request)
    page = Page(language(request), csrf=browser.csrf)
    response = redirect(asked["back"]) if asked["back"] else browser.page(page.html("signed_out"))
    browser.drop_session(response)
    return response


def _read(server: AuthorizationServer, form: Mapping[str, str]) -> dict[str, str]:
    """Whom to sign out (`subject`) and where to go then (`back`), as far as the app says and may say so;
    raises PageFault where it may not.
    """
    claims = _claims(server, form["id_token_hint"]) if form.get("id_token_hint") else {}
    client_id = claims.get("aud") or form.get("client_id", "")
    if form.get("client_id", client_id) != client_id:
        raise PageFault("client")
    client = server.clients.get(client_id) if client_id else None
    if client_id and client is None:
        raise PageFault("client")
    return {"subject": str(claims.get("sub", "")), "back": _back(client, form)}


def _back(client: Client | None, form: Mapping[str, str]) -> str:
    """Character by character an address that is registered for this; empty where none is stated."""
    wanted = form.get("post_logout_redirect_uri", "")
    if not wanted:
        return ""
    if client is None or wanted not in post_logout_redirect_uris(client):
        raise PageFault("redirect")
    return location(wanted, {"state": form.get("state", "")}) if form.get("state") else wanted


def _claims(server: AuthorizationServer, token: str) -> dict[str, Any]:
    """An ID token of this server, also one that has expired; raises PageFault for anything else."""
    try:
        keys = KeySet.import_key_set(server.keys.jwks())  # type: ignore[arg-type]
        claims = jwt.decode(token, keys, algorithms=[ALGORITHM]).claims
    except (JoseError, ValueError):
        raise PageFault("form") from None
    if claims.get("iss") != server.config.issuer or not isinstance(claims.get("aud"), str):
        raise PageFault("form")
    return claims


def _opened(server: AuthorizationServer, sealed: str) -> dict[str, str]:
    try:
        found: dict[str, str] = server.seals.logout.open(sealed)
    except SealFault:
        raise PageFault("expired") from None
    return found


async def _login(server: AuthorizationServer, request: Request) -> Login | None:
    return await to_thread.run_sync(server.sessions.of_cookie, Browser(server, request).session)
