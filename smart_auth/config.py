"""What the authorization server is told by the wiring: addresses, lifetimes, and the questions it may ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from smart_auth.access.caller import User


@dataclass(frozen=True)
class Config:
    """`base_url` is the public origin, `secret` the deployment's own 32 bytes; lifetimes are in seconds."""

    base_url: str
    secret: bytes = field(repr=False)
    access_seconds: int = 3600
    refresh_seconds: int = 7 * 86400
    backend_seconds: int = 300
    code_seconds: int = 60
    session_seconds: int = 12 * 3600
    launch_seconds: int = 300
    emergency_seconds: int = 1800
    approval_seconds: int = 30 * 86400

    @property
    def revoked_seconds(self) -> int:
        """How long a revocation is remembered: longer than any token is good that is out there by now, with a
        minute for those that were being made at that moment.
        """
        return max(self.access_seconds, self.backend_seconds, self.emergency_seconds) + 60

    @property
    def grant_seconds(self) -> int:
        """How long a grant lives after its last tokens: emergencies that these opened end with it."""
        return self.access_seconds + self.emergency_seconds + 60

    @property
    def issuer(self) -> str:
        """The issuer of every token: https://www.rfc-editor.org/rfc/rfc8414#section-2"""
        return f"{self.base_url}/api/auth"

    @property
    def fhir_base(self) -> str:
        """The resource server, which tokens are for."""
        return f"{self.base_url}/api/fhir"

    @property
    def token_url(self) -> str:
        """The audience of client assertions."""
        return f"{self.issuer}/token"

    @property
    def https(self) -> bool:
        """Whether browsers reach the server by https, so that cookies must be Secure."""
        return self.base_url.startswith("https:")


@dataclass(frozen=True)
class PatientChoice:
    """A patient as the picker shows them."""

    id: str
    name: str
    birth_date: str = ""
    gender: str = ""


@dataclass(frozen=True)
class EncounterChoice:
    """A visit as the picker shows it: when it began and ended, and what it was."""

    id: str
    begin: str = ""
    end: str = ""
    what: str = ""


class Events(Protocol):
    """Is told what happens, before the answer leaves; raises UnrecordedFault where that fails."""

    def __call__(self, kind: str, **details: str) -> None:
        """`kind` is login, login-failed, logout, launch, launch-refused, emergency, emergency-refused,
        choices, token, token-refused or token-revoked. Details hold no secrets: client_id, subject, username,
        fhir_user, reason, scope, patient, grant_type, token_id; of choices also the step (choosing), what was
        searched for (find), and the references that are shown, with blanks between.
        """


#: the scopes, of those asked for, that a user may have at all; in the order and spelling asked for
Grantable = Callable[[User, Sequence[str]], Sequence[str]]
#: the patients that a user may see and who match a text (part of a name, an id, a birth date), a few at most
Patients = Callable[[User, str], Awaitable[Sequence[PatientChoice]]]
#: the visits of a patient (an id) that a user may see, the newest first: of an id, or up to a date
Encounters = Callable[[User, str, str], Awaitable[Sequence[EncounterChoice]]]


def unheard(kind: str, **details: str) -> None:
    """Events that nobody listens to."""
