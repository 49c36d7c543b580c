"""Callers as tests want them: a badge is a token whose holder is known, without an authorization server."""

from __future__ import annotations

from smart_auth.access.caller import Caller, TokenFault, User
from smart_auth.access.scopes import resource_scopes, split

#: the demo's users by role; a patient's resource is theirs
DEMO_USERS = {
    "admin": "Practitioner/user-1",
    "doctor": "Practitioner/user-2",
    "nurse": "Practitioner/user-4",
    "radiologist": "Practitioner/user-6",
    "lab_technician": "Practitioner/user-8",
    "pharmacist": "Practitioner/user-10",
    "patient": "Patient/P-2025-000001",
    "external": "Practitioner/user-13",
}


def user(role: str, *more: str, fhir_user: str = "") -> User:
    """A demo user of a role, with more roles if named."""
    return User(
        f"{role}-subject", role, role.title(), frozenset({role, *more}), fhir_user or DEMO_USERS[role]
    )


class Badges:
    """Knows the tokens that were issued with `badge`."""

    def __init__(self) -> None:
        self.holders: dict[str, Caller] = {}

    def badge(
        self,
        scopes: str,
        holder: User | None = None,
        *,
        patient: str = "",
        emergency: str = "",
        client: str = "test-app",
    ) -> str:
        """The Authorization header of a new caller."""
        number = f"token-{len(self.holders) + 1}"
        self.holders[f"Bearer {number}"] = Caller(
            client,
            tuple(resource_scopes(split(scopes))),
            holder,
            patient=patient,
            token_id=number,
            emergency=emergency,
        )
        return f"Bearer {number}"

    async def caller(self, authorization: str) -> Caller:
        """The holder of a badge."""
        if not authorization:
            raise TokenFault("", "a bearer token is needed")
        if authorization not in self.holders:
            raise TokenFault("invalid_token", "the token is not known")
        return self.holders[authorization]
