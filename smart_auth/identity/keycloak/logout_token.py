"""Logout tokens: Keycloak tells that a session has ended.

https://openid.net/specs/openid-connect-backchannel-1_0.html#Validation
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smart_auth.identity.keycloak.id_token import IdTokenFault
from smart_auth.identity.provider import SignedOut

EVENT = "http://schemas.openid.net/event/backchannel-logout"
#: Keycloak's own: the client's offline tokens are to end as well
OFFLINE_TOO = "revoke_offline_access"


def signed_out(claims: Mapping[str, Any]) -> SignedOut:
    """What has ended, by the claims of a token whose signature, issuer, audience and time are right; raises
    IdTokenFault for another kind of token.
    """
    events = claims.get("events")
    if not isinstance(events, Mapping) or not isinstance(events.get(EVENT), Mapping):
        raise IdTokenFault("logout token: no event of a logout")
    if "nonce" in claims:
        raise IdTokenFault("logout token: it has a nonce, as ID tokens have")
    subject, sid = claims.get("sub", ""), claims.get("sid", "")
    named = isinstance(subject, str) and isinstance(sid, str)
    if not named or not (subject or sid):
        raise IdTokenFault("logout token: it names no user and no session")
    return SignedOut(subject, sid, str(claims["jti"]), int(claims["exp"]), events.get(OFFLINE_TOO) is True)
