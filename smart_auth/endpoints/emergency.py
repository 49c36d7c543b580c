"""`POST /api/auth/emergency`: breaking the glass. A clinician opens one patient's record, with a reason.

The answer is a token of half an hour at most, flagged in every trail; the alarm is raised before it is made.
https://profiles.ihe.net/ITI/BALP/content.html speaks of such access as purposeOfUse BTG.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from anyio import to_thread

from mappers.mapping import LOGICAL_ID
from smart_auth.access.caller import Caller, TokenFault, User
from smart_auth.access.scopes import scope
from smart_auth.faults import OAuthFault
from smart_auth.server import AuthorizationServer
from smart_auth.tokens.minting import Granted

#: characters of a reason that says something
SHORTEST, LONGEST = 10, 500


@dataclass(frozen=True)
class Emergencies:
    """The wiring's part: who may break the glass, and whom it alarms (what it raises refuses the access)."""

    may: Callable[[User], bool]
    alarm: Callable[[User, str, str], None]


async def emergency(
    server: AuthorizationServer, emergencies: Emergencies, form: Mapping[str, str], authorization: str
) -> dict[str, Any]:
    """A token response for `patient` and `reason`; raises OAuthFault for who may not, or says too little."""
    found = await _verified(server, authorization)
    try:
        user = _user(found.caller, emergencies)
        patient, reason = _stated(form)
    except OAuthFault as fault:
        await _tell_refused(server, found.caller, form, fault)
        raise
    await to_thread.run_sync(emergencies.alarm, user, patient, reason)
    granted = Granted(
        client_id=found.caller.client_id,
        scopes=tuple(text for text in found.ordered if scope(text)),
        user=user,
        grant=found.grant,
        context={"patient": patient, "emergency": reason},
    )
    answer = await to_thread.run_sync(server.minting.response, granted, server.config.emergency_seconds)
    told = {"client_id": granted.client_id, "subject": user.subject, "username": user.username}
    await server.tell("emergency", **told, patient=patient, reason=reason)
    return answer


async def _tell_refused(
    server: AuthorizationServer, caller: Caller, form: Mapping[str, str], fault: OAuthFault
) -> None:
    user, patient = caller.user, form.get("patient", "")
    who = {"subject": user.subject, "username": user.username} if user else {}
    known = patient if LOGICAL_ID.fullmatch(patient) else ""
    await server.tell(
        "emergency-refused", **who, client_id=caller.client_id, patient=known, reason=str(fault)
    )
    fault.told = True


async def _verified(server: AuthorizationServer, authorization: str) -> Any:
    try:
        return await server.bearer.verified(authorization)
    except TokenFault as fault:
        raise OAuthFault.of_token(fault) from None


def _user(caller: Caller, emergencies: Emergencies) -> User:
    if caller.user is None or not emergencies.may(caller.user):
        raise OAuthFault("access_denied", "only who cares for patients may break the glass", 403)
    if caller.emergency:
        raise OAuthFault("access_denied", "a token of an emergency opens no further record", 403)
    return caller.user


def _stated(form: Mapping[str, str]) -> tuple[str, str]:
    patient, reason = form.get("patient", ""), " ".join(form.get("reason", "").split())
    if not LOGICAL_ID.fullmatch(patient):
        raise OAuthFault("invalid_request", "patient is the id of a Patient")
    if not SHORTEST <= len(reason) <= LONGEST:
        raise OAuthFault("invalid_request", f"reason says why, in {SHORTEST} to {LONGEST} characters")
    return patient, reason
