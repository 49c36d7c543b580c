"""`POST /api/auth/launch`: the hospital's own pages begin an EHR launch for the user who is at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
from anyio import to_thread
from fastapi import APIRouter, Request, Response

from mappers.mapping import LOGICAL_ID
from smart_auth.access.caller import TokenFault, User
from smart_auth.endpoints.browser import PRIVATE, Browser
from smart_auth.endpoints.launches import CONTEXT, launch
from smart_auth.faults import AWAY, AwayFault, OAuthFault, UnrecordedFault
from smart_auth.identity.provider import ProviderDownError
from smart_auth.server import AuthorizationServer

LARGEST = 16 * 1024


@dataclass
class Asked:
    """What is known of a request by now: who asks, and what for."""

    user: User | None = None
    content: dict[str, Any] = field(default_factory=dict)


def add(routes: APIRouter, server: AuthorizationServer) -> None:
    """Adds the endpoint."""

    @routes.post("/launch")
    async def post_launch(request: Request) -> Response:
        try:
            made = await _made(server, request)
        except OAuthFault as fault:
            return _fault(fault)
        except AWAY as error:
            return _fault(AwayFault(error))
        return Response(orjson.dumps(made), 201, PRIVATE, "application/json")


async def _made(server: AuthorizationServer, request: Request) -> dict[str, str]:
    """The launch, which is told; raises OAuthFault once the refusal is."""
    asked = Asked()
    try:
        asked.user = user = await _user(server, request)
        asked.content = content = await _content(request)
        await _check(server, user, content)
        context = {name: content[name] for name in CONTEXT if name in content}
        return await to_thread.run_sync(launch, server, user, context, content.get("client_id", ""))
    except TokenFault as fault:
        await _tell(server, asked, refusal := OAuthFault.of_token(fault))
        raise refusal from None
    except UnrecordedFault:
        raise
    except OAuthFault as fault:
        await _tell(server, asked, fault)
        raise


async def _tell(server: AuthorizationServer, asked: Asked, refusal: OAuthFault) -> None:
    client, patient = (asked.content.get(name) for name in ("client_id", "patient"))
    who = {"subject": asked.user.subject, "username": asked.user.username} if asked.user else {}
    await server.tell(
        "launch-refused",
        **who,
        client_id=client[:190] if isinstance(client, str) else "",
        patient=patient if isinstance(patient, str) and LOGICAL_ID.fullmatch(patient) else "",
        reason=str(refusal),
    )


def _fault(fault: OAuthFault) -> Response:
    content = orjson.dumps({"error": fault.error, "error_description": fault.description})
    return Response(content, fault.status, PRIVATE | fault.headers, "application/json")


async def _user(server: AuthorizationServer, request: Request) -> User:
    """By an access token with the scope `launch`, or by the login session of a page of this origin."""
    header = request.headers.get("authorization", "")
    if header:
        found = await server.bearer.verified(header)
        if found.caller.user is None or "launch" not in found.ordered:
            raise OAuthFault("insufficient_scope", "the token has no user, or no scope launch", 403)
        return found.caller.user
    login = await to_thread.run_sync(server.sessions.of_cookie, Browser(server, request).session)
    if login is None or request.headers.get("origin") != server.config.base_url:
        raise TokenFault("", "nobody is signed in")
    try:
        now = await server.as_now(login)
    except ProviderDownError:
        raise OAuthFault("temporarily_unavailable", "the identity provider can't be asked", 503) from None
    if now is None:
        raise TokenFault("", "the user may no longer sign in")
    return now.user


async def _content(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise OAuthFault("invalid_request", "the body is application/json", 415)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise OAuthFault("invalid_request", "the body is too large", 413)
    try:
        content = orjson.loads(body)
    except ValueError:
        raise OAuthFault("invalid_request", "the body is no JSON") from None
    if not isinstance(content, dict):
        raise OAuthFault("invalid_request", "the body is a JSON object")
    return content


async def _check(server: AuthorizationServer, user: User, content: dict[str, Any]) -> None:
    """Refuses what can't be a launch context, and a patient or visit that the user may not see."""
    kinds = {"need_patient_banner": bool, "fhirContext": list}
    for name, value in content.items():
        if name not in (*CONTEXT, "client_id") or type(value) is not kinds.get(name, str):
            raise OAuthFault("invalid_request", f"{name[:64]} is not known, or has another type")
    patient = content.get("patient")
    if patient is not None and patient not in {p.id for p in await server.patients(user, patient)}:
        raise OAuthFault("access_denied", "there is no such patient, or not for this user", 403)
    await _check_encounter(server, user, content)
    client_id = content.get("client_id", "")
    if client_id and await to_thread.run_sync(server.clients.get, client_id) is None:
        raise OAuthFault("invalid_request", "there is no such client")


async def _check_encounter(server: AuthorizationServer, user: User, content: dict[str, Any]) -> None:
    if "encounter" not in content:
        return
    if "patient" not in content:
        raise OAuthFault("invalid_request", "an encounter is launched with its patient")
    wanted = content["encounter"]
    if not wanted or wanted not in {e.id for e in await server.encounters(user, content["patient"], wanted)}:
        raise OAuthFault("access_denied", "the patient has no such visit, or not for this user", 403)
