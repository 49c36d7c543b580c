"""Introspection (RFC 7662) and revocation (RFC 7009) of tokens.

https://hl7.org/fhir/smart-app-launch/token-introspection.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anyio import to_thread

from smart_auth.access.caller import TokenFault
from smart_auth.faults import OAuthFault
from smart_auth.server import AuthorizationServer
from smart_auth.store.tables import Client
from smart_auth.tokens.bearer import Verified

INACTIVE = {"active": False}


async def introspected(
    server: AuthorizationServer, form: Mapping[str, str], authorization: str
) -> dict[str, Any]:
    """What a token is good for; `{"active": false}` alone for one that isn't, or isn't the client's."""
    client = await to_thread.run_sync(server.authentication.client, form, authorization)
    if client.kind == "public":
        raise OAuthFault("invalid_client", "introspection is for clients that authenticate")
    token = _token(form)
    try:
        found = await server.bearer.verified(f"Bearer {token}")
    except TokenFault:
        return await to_thread.run_sync(_refresh_token, server, client, token)
    return _access_token(server, found) if _may_see(client, found.caller.client_id) else INACTIVE


def _may_see(client: Client, client_id: str) -> bool:
    return client.introspects or client.client_id == client_id


def _access_token(server: AuthorizationServer, found: Verified) -> dict[str, Any]:
    caller = found.caller
    answer: dict[str, Any] = {
        "active": True,
        "token_type": "Bearer",
        "scope": " ".join(found.ordered),
        "client_id": caller.client_id,
        "exp": caller.expires,
        "iss": caller.issuer,
        "aud": server.config.fhir_base,
        "jti": caller.token_id,
        "sub": caller.user.subject if caller.user else caller.client_id,
    }
    if caller.user:
        answer["username"] = caller.user.username
        if caller.user.fhir_user:
            answer["fhirUser"] = f"{server.config.fhir_base}/{caller.user.fhir_user}"
    context = {"patient": caller.patient, "encounter": caller.encounter}
    return answer | {name: value for name, value in context.items() if value}


def _refresh_token(server: AuthorizationServer, client: Client, token: str) -> dict[str, Any]:
    found = server.families.find_refresh(token)
    grant = found.grant
    if grant is None or found.used or grant.revoked or not _may_see(client, grant.client_id):
        return INACTIVE
    return {
        "active": True,
        "scope": grant.scopes,
        "client_id": grant.client_id,
        "sub": grant.subject,
        "iss": server.config.issuer,
    }


async def revoke(server: AuthorizationServer, form: Mapping[str, str], authorization: str) -> None:
    """Ends a token of the client that asks: a refresh token with its family, an access token alone. What
    isn't there, or is another's, changes nothing and is no error.
    """
    client = await to_thread.run_sync(server.authentication.client, form, authorization)
    token = _token(form)
    grant = await to_thread.run_sync(server.families.revoke_of_refresh, token, client.client_id)
    if grant is not None:
        await server.tell(
            "token-revoked", client_id=client.client_id, subject=grant.subject, reason="asked for"
        )
        return
    try:
        caller = (await server.bearer.verified(f"Bearer {token}")).caller
    except TokenFault:
        return
    if caller.client_id == client.client_id:
        await to_thread.run_sync(server.families.revoke_token, caller.token_id, caller.expires)
        await server.tell(
            "token-revoked", client_id=client.client_id, token_id=caller.token_id, reason="asked for"
        )


def _token(form: Mapping[str, str]) -> str:
    if not form.get("token"):
        raise OAuthFault("invalid_request", "token is missing")
    return form["token"]
