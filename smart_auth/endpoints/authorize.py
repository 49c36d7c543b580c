"""The authorization request: https://hl7.org/fhir/smart-app-launch/app-launch.html#obtain-authorization-code

It is read once and then travels sealed in the browser, so that nothing of it can change on the way and
nobody can fill the database with requests that they never finish.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from smart_auth.access.allowing import allowed, known
from smart_auth.access.scopes import split
from smart_auth.endpoints.pages import LANGUAGES
from smart_auth.faults import PageFault
from smart_auth.seal import SealFault
from smart_auth.server import AuthorizationServer
from smart_auth.store.clients import redirect_uris
from smart_auth.store.sessions import Login
from smart_auth.store.tables import Client
from smart_auth.store.transaction import now

#: https://www.rfc-editor.org/rfc/rfc7636#section-4.2: base64url of a SHA-256
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_AGE = re.compile(r"[0-9]{1,9}")
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
#: seconds that somebody may take to sign in and decide
PENDING_SECONDS = 600
LONGEST = {"state": 2048, "nonce": 512, "scope": 4096, "launch": 4096}
Pairs = Sequence[tuple[str, str]]


class RedirectFault(Exception):
    """An error that the client is told by redirecting the browser back to it."""

    def __init__(
        self,
        redirect_uri: str,
        state: str,
        error: str,
        description: str,
        client_id: str,
        login: Login | None = None,
    ) -> None:
        super().__init__(f"{error}: {description}")
        self.redirect_uri, self.state, self.error, self.description = redirect_uri, state, error, description
        self.client_id, self.user = client_id, login.user if login else None


@dataclass(frozen=True)
class Pending:
    """A request that was found good, when it began. `before` is the login session that there was then,
    `session` the one in which `patient` and `encounter` were chosen; `visitless`: the user chose no visit.
    """

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str
    state: str = ""
    nonce: str = ""
    prompt: str = ""
    max_age: int = -1
    begun: int = 0
    before: str = ""
    launch: dict[str, Any] = field(default_factory=dict)
    session: str = ""
    patient: str = ""
    encounter: str = ""
    visitless: bool = False
    lang: str = ""

    def sealed(self, server: AuthorizationServer) -> str:
        """As text for a URL."""
        return server.seals.pending.seal(asdict(self), PENDING_SECONDS)

    @property
    def asks_anew(self) -> bool:
        """Whether the client wants the user to sign in, whoever is signed in."""
        return "login" in self.prompt or "select_account" in self.prompt

    def fault(self, error: str, description: str, login: Login | None = None) -> RedirectFault:
        """What the client is told instead of a code, and the trail with who was signed in."""
        return RedirectFault(self.redirect_uri, self.state, error, description, self.client_id, login)


def opened(server: AuthorizationServer, text: str) -> Pending:
    """What was sealed; raises PageFault for another text, or after ten minutes."""
    try:
        content = server.seals.pending.open(text)
    except SealFault:
        raise PageFault("expired") from None
    return Pending(**{**content, "scopes": tuple(content["scopes"])})


def read(server: AuthorizationServer, pairs: Pairs, before: str) -> Pending:
    """The request in these parameters. Raises PageFault where client or redirect_uri can't be trusted, and
    RedirectFault for all else.
    """
    client = _client(server, pairs)
    redirect_uri = _redirect_uri(client, pairs)
    form = dict(pairs)
    state = form.get("state", "")

    def fault(error: str, description: str) -> RedirectFault:
        return RedirectFault(redirect_uri, state, error, description, client.client_id)

    for error, description in _wrong(server, pairs, form):
        raise fault(error, description)
    scopes = allowed(client.scopes, known(split(form.get("scope", ""))))
    if not scopes:
        raise fault("invalid_scope", "no scope that is known here, and open to this client, was asked for")
    launch = _launch(server, form)
    if launch is None:
        raise fault("invalid_request", "launch is not known here, has expired, or is for another client")
    return Pending(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        scopes=tuple(scopes),
        challenge=form["code_challenge"],
        state=state,
        nonce=form.get("nonce", ""),
        prompt=form.get("prompt", ""),
        max_age=int(form.get("max_age", -1)),
        begun=now(),
        before=before,
        launch=launch if "launch" in scopes else {},
        lang=_lang(form.get("ui_locales", "")),
    )


def _lang(wanted: str) -> str:
    """The first language that there is, of those that the client thinks its user reads."""
    return next((tag[:2] for tag in wanted.split() if tag[:2] in LANGUAGES), "")


def _client(server: AuthorizationServer, pairs: Pairs) -> Client:
    ids = [value for name, value in pairs if name == "client_id"]
    client = server.clients.get(ids[0]) if len(ids) == 1 else None
    if client is None or client.backend:
        raise PageFault("client")
    return client


def _redirect_uri(client: Client, pairs: Pairs) -> str:
    """Character by character one that is registered: https://www.rfc-editor.org/rfc/rfc9700#section-4.1.3"""
    stated = [value for name, value in pairs if name == "redirect_uri"]
    if len(stated) != 1 or stated[0] not in redirect_uris(client):
        raise PageFault("redirect")
    return stated[0]


def _wrong(server: AuthorizationServer, pairs: Pairs, form: dict[str, str]) -> list[tuple[str, str]]:
    """What is wrong, as (error, description)."""
    audience = form.get("aud") or form.get("resource") or ""
    base = server.config.fhir_base
    prompts = set(split(form.get("prompt", "")))
    challenge = form.get("code_challenge", "")
    too_long = [name for name, most in LONGEST.items() if len(form.get(name, "")) > most]
    tests = (
        (len(form) < len(pairs), "invalid_request", "a parameter is there twice"),
        ("request" in form, "request_not_supported", "request objects are not supported"),
        ("request_uri" in form, "request_uri_not_supported", "request objects are not supported"),
        (form.get("response_type") != "code", "unsupported_response_type", "response_type is code"),
        (form.get("response_mode", "query") != "query", "invalid_request", "response_mode is query"),
        (audience not in (base, f"{base}/"), "invalid_request", f"aud is {base}"),
        (form.get("code_challenge_method") != "S256", "invalid_request", "code_challenge_method is S256"),
        (not _CHALLENGE.fullmatch(challenge), "invalid_request", "code_challenge is a SHA-256 in base64url"),
        (bool(too_long), "invalid_request", f"too long: {', '.join(too_long)}"),
        (not _AGE.fullmatch(form.get("max_age", "0")), "invalid_request", "max_age is a number of seconds"),
        (not prompts <= PROMPTS, "invalid_request", f"prompt is of {', '.join(sorted(PROMPTS))}"),
        ("none" in prompts and len(prompts) > 1, "invalid_request", "prompt none stands alone"),
    )
    return [(error, description) for wrong, error, description in tests if wrong]


def _launch(server: AuthorizationServer, form: dict[str, str]) -> dict[str, Any] | None:
    """The EHR launch behind the parameter, {} without one; None for one that can't be used (any more)."""
    if "launch" not in form:
        return {}
    try:
        found: dict[str, Any] = server.seals.launch.open(form["launch"])
    except SealFault:
        return None
    of_client = found["client_id"] in ("", form["client_id"])
    return found if of_client and found["iss"] == server.config.fhir_base else None


def location(redirect_uri: str, parameters: dict[str, str]) -> str:
    """The redirect_uri with parameters added, nothing of it changed; empty ones are left out."""
    added = urlencode({n: v for n, v in parameters.items() if v}, quote_via=quote, safe="")
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{added}"
