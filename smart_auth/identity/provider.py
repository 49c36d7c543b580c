"""What an identity provider does: it finds out who sits at the browser, and whether they still may come in.

Two answer it: the built-in users, with a page of their own, and Keycloak, which has its own pages elsewhere.
Both sign in the same way: the authorization server sends the browser to `start(pending)`, the provider's own
routes do what they do, and end with `SignIn.finish` or `SignIn.refuse`, which answer that last request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fastapi import APIRouter, Request, Response

from smart_auth.access.caller import User


@dataclass(frozen=True)
class SignedIn:
    """A person who has proved who they are.

    `held` is what the provider wants to see again in `current` and `sign_out` (a session's id, a refresh
    token); it is kept encrypted beside the login session and leaves the server to nobody else. `since` is
    when they proved it, where that was before now; `sid` is the session at the provider, if it tells when
    that ends.
    """

    user: User
    held: str = ""
    since: int = 0
    sid: str = ""


@dataclass(frozen=True)
class SignedOut:
    """A session that has ended at the provider: `sid`, or all of a `subject` without one. `notice` is what
    this was told by, good once until `expires`; `lasting`: what was to outlive the session ends too.
    """

    subject: str
    sid: str
    notice: str
    expires: int
    lasting: bool = False


class SignIn(Protocol):
    """What the authorization server offers to a provider's routes."""

    async def finish(
        self, request: Request, pending: str, signed_in: SignedIn, *, lang: str = ""
    ) -> Response:
        """Starts the login session (its cookie is on the answer) and leads on to what was asked for, in the
        language of the provider's page if it tells that.

        `pending` is the text that `start` was given: sealed, and refused with a page if it was changed or is
        older than ten minutes.
        """

    async def refuse(self, request: Request, pending: str, reason: str, username: str = "") -> Response:
        """A page that says that the sign-in failed, with a way to try again. `reason` is for the audit
        trail; the page doesn't show it.
        """

    async def ended(self, signed_out: SignedOut) -> None:
        """Ends the login sessions that belong to it, and their tokens on all workers at once."""


class IdentityProvider(Protocol):
    """Finds out who somebody is. Addresses are paths below the authorization server's, `/api/auth`."""

    name: str

    def start(self, pending: str, *, again: bool = False) -> str:
        """The path and query, beginning with `/`, where a browser begins to sign in. `pending` is opaque,
        fit for a URL, and goes back to `SignIn` unchanged; `again`: a session at the provider must not do.
        """

    def routes(self, sign_in: SignIn) -> APIRouter:
        """The provider's own pages; Keycloak's are below `/idp/`."""

    async def current(self, subject: str, held: str) -> User | None:
        """The user with today's roles; None when they may no longer come in (locked, gone, signed out).

        Asked before a code or refresh token is exchanged. Raises ProviderDownError when nobody can say.
        """

    async def sign_out(self, subject: str, held: str) -> None:
        """Ends the session at the provider too, if it has one."""

    async def close(self) -> None:
        """Gives connections back, when the server stops."""


class ProviderDownError(Exception):
    """The identity provider can't be asked just now; the client is told to try again later."""
