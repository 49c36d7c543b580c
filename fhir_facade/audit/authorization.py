"""What the authorization server does, as events of the trail; no secret of it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from urllib.parse import urlencode

from anyio import from_thread

from fhir_facade.audit.event import Event
from fhir_facade.audit.masking import encoded, masked
from fhir_facade.audit.record import PATIENT
from fhir_facade.audit.trail import Trail, TrailDownError
from fhir_facade.content import Message, Receive, Send
from mappers.parse import RESIDENT_NUMBER
from smart_auth.access.caller import Caller, User
from smart_auth.config import Events, unheard
from smart_auth.faults import UnrecordedFault

#: what the server tells → (word of the code maps, outcome)
KINDS = {
    "login": ("login", "0"),
    "login-failed": ("login", "4"),
    "logout": ("logout", "0"),
    "token": ("token", "0"),
    "token-refused": ("token", "4"),
    "token-revoked": ("revoke", "0"),
    "launch": ("launch", "0"),
    "launch-refused": ("launch", "4"),
    "emergency": ("emergency", "0"),
    "emergency-refused": ("emergency", "4"),
    "choices": ("search-type", "0"),
}
#: what is kept of its details beside who and whose; anything else stays out
DETAILS = ("grant_type", "scope", "reason", "choosing")
_address: ContextVar[str] = ContextVar("address", default="")


class Addressed:
    """Notes the address that a request to the authorization server comes from, for its events."""

    def __init__(self, app: object) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One ASGI connection."""
        _address.set((scope.get("client") or ("",))[0])
        await self.app(scope, receive, send)  # type: ignore[operator]


def events_into(trail: Trail | None) -> Events:
    """What the authorization server tells, recorded before it goes on; else UnrecordedFault."""
    if trail is None:
        return unheard

    def told(kind: str, **details: str) -> None:
        try:
            from_thread.run(trail.record, event_of(kind, details, trail.server))
        except TrailDownError:
            raise UnrecordedFault from None

    return told


def events_of_command(trail: Trail | None) -> Events:
    """The same of a command, which has no event loop: each is recorded before the command goes on."""
    if trail is None:
        return unheard

    async def recorded(event: Event) -> None:
        try:
            await trail.record(event)
        finally:
            await trail.close()

    def told(kind: str, **details: str) -> None:
        try:
            asyncio.run(recorded(event_of(kind, details, trail.server)))
        except TrailDownError:
            raise UnrecordedFault from None

    return told


def event_of(kind: str, details: Mapping[str, str], base: str) -> Event:
    """The event; KeyError for a kind that nobody knows."""
    name, outcome = KINDS[kind]
    kept = {k: masked(details[k]) for k in DETAILS if details.get(k)}
    about = details.get("patient", "")
    about = "" if RESIDENT_NUMBER.search(about) else about
    if name == "token":  # ITI-71 names the request alone; whom a token is for is no disclosure yet
        kept, about = {**kept, **({"patient": about} if about else {})}, ""
    shown = details.get("shown", "").split()
    patients = [about] if about else [s.removeprefix(PATIENT) for s in shown if s.startswith(PATIENT)]
    return Event(
        name=name,
        outcome=outcome,
        client=details.get("client_id", ""),
        caller=_caller(details, base),
        address=_address.get(),
        query=_query(name, details, base),
        patients=patients,
        entities=shown,
        details=kept,
    )


def _caller(details: Mapping[str, str], base: str) -> Caller | None:
    username = masked(details.get("username", ""))
    subject = details.get("subject", "")
    if not username and not subject:
        return None
    user = User(subject, username or subject, username or subject, fhir_user=details.get("fhir_user", ""))
    token = details.get("token_id", "")
    return Caller(details.get("client_id", ""), (), user, token_id=token, issuer=f"{base}/api/auth")


def _query(name: str, details: Mapping[str, str], base: str) -> str:
    """What was asked, of what may be kept of it: for a token, or whom to choose from."""
    if name == "token":
        return _request(details, base)
    if name != KINDS["choices"][0]:
        return ""
    find = masked(urlencode({"find": details["find"]})) if details.get("find") else ""
    return encoded(f"GET {base}/api/auth/continue{'?' if find else ''}{find}")


def _request(details: Mapping[str, str], base: str) -> str:
    form = {k: details[k] for k in ("grant_type", "client_id", "scope") if details.get(k)}
    return encoded(f"POST {base}/api/auth/token\n\n{masked(urlencode(form))}")
