"""Who calls: the user and the client behind one request, with what they were granted."""

from __future__ import annotations

from dataclasses import dataclass

from smart_auth.access.scopes import Scope


@dataclass(frozen=True)
class User:
    """A person as the identity provider knows them.

    `subject` never changes; `roles` are the hospital's (doctor, nurse, …); `fhir_user` is a relative
    reference (`Practitioner/user-3`, `Patient/P-2025-000001`) or empty for one who has no resource.
    """

    subject: str
    username: str
    name: str
    roles: frozenset[str] = frozenset()
    fhir_user: str = ""


@dataclass(frozen=True)
class Caller:
    """One access token's holder. `user` is None for a backend service, which has `system/` scopes only.

    `patient` and `encounter` are the launch context's logical ids; `grant` is the family that the token
    belongs to; `emergency` is the reason that was given for breaking the glass, or empty.
    """

    client_id: str
    scopes: tuple[Scope, ...]
    user: User | None = None
    patient: str = ""
    encounter: str = ""
    token_id: str = ""
    issuer: str = ""
    expires: int = 0
    emergency: str = ""
    grant: str = ""

    @property
    def name(self) -> str:
        """What a log or a page calls them."""
        return self.user.username if self.user else self.client_id


class TokenFault(Exception):
    """A token that lets nobody in. `error` is RFC 6750's word (empty where no token was sent at all).

    https://www.rfc-editor.org/rfc/rfc6750#section-3.1
    """

    def __init__(self, error: str, description: str, status: int = 401) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status

    @property
    def challenge(self) -> str:
        """The value of WWW-Authenticate."""
        return f'Bearer error="{self.error}", error_description="{self}"' if self.error else "Bearer"
