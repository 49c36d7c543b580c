"""The token endpoint: https://hl7.org/fhir/smart-app-launch/app-launch.html#obtain-access-token

It runs in a thread: everything here waits for the database.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any

from anyio import from_thread
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from smart_auth.access.allowing import allowed
from smart_auth.access.caller import User
from smart_auth.access.scopes import scope, split
from smart_auth.faults import OAuthFault
from smart_auth.identity.provider import ProviderDownError
from smart_auth.seal import SealFault
from smart_auth.server import AuthorizationServer
from smart_auth.store.families import Redemption
from smart_auth.store.tables import Client, Grant
from smart_auth.tokens.minting import Granted, context_of, person_of

Form = Mapping[str, str]
#: https://www.rfc-editor.org/rfc/rfc7636#section-4.1
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


def token_response(server: AuthorizationServer, form: Form, authorization: str) -> dict[str, Any]:
    """The tokens that a client asks for; raises OAuthFault."""
    client = _client(server, form, authorization)
    grants = {
        "authorization_code": _by_code,
        "refresh_token": _by_refresh_token,
        "client_credentials": _by_client_credentials,
    }
    kind = form.get("grant_type", "")
    if kind not in grants:
        raise OAuthFault("unsupported_grant_type", f"grant_type is {', '.join(grants)}")
    answer, granted = grants[kind](server, client, form)
    server.events(
        "token",
        client_id=client.client_id,
        grant_type=kind,
        subject=granted.user.subject if granted.user else "",
        username=granted.user.username if granted.user else "",
        scope=answer["scope"],
        patient=str(granted.context.get("patient", "")),
    )
    server.clean()
    return answer


def _client(server: AuthorizationServer, form: Form, authorization: str) -> Client:
    """Who asks. A public client may leave its name out of a refresh, as SMART's own JavaScript client does:
    the refresh token tells it. https://www.rfc-editor.org/rfc/rfc6749#section-6
    """
    named = authorization or form.keys() & {"client_id", "client_assertion", "client_secret"}
    if form.get("grant_type") == "refresh_token" and form.get("refresh_token") and not named:
        grant = server.families.find_refresh(form["refresh_token"]).grant
        if grant is None:
            raise _no_grant("the refresh token is not known, or has expired")
        form = {**form, "client_id": grant.client_id}
    return server.authentication.client(form, authorization)


def _by_code(server: AuthorizationServer, client: Client, form: Form) -> tuple[dict[str, Any], Granted]:
    _person_client(client)
    text = _needed(form, "code")
    found = server.families.find_code(text)
    if found.code is None or found.code.client_id != client.client_id:
        raise _no_grant("the code is not known")
    if not found.used:
        if form.get("redirect_uri") != found.code.redirect_uri:
            raise _no_grant("redirect_uri is not the one that the code was asked for with")
        _check_verifier(form.get("code_verifier", ""), found.code.challenge)
    grant = _redeemed(server, server.families.redeem_code(text), "code")
    granted = _granted(server, client, grant, split(grant.scopes))
    return _with_refresh(server, grant, granted), granted


def _by_refresh_token(
    server: AuthorizationServer, client: Client, form: Form
) -> tuple[dict[str, Any], Granted]:
    _person_client(client)
    text = _needed(form, "refresh_token")
    found = server.families.find_refresh(text)
    if found.grant is None or found.grant.client_id != client.client_id:
        raise _no_grant("the refresh token is not known, or has expired")
    if found.used:
        _redeemed(server, server.families.redeem_refresh(text), "refresh token")
    scopes = _narrowed(found.grant.scopes, form.get("scope"))
    if found.grant.access == "online" and server.sessions.get(found.grant.session) is None:
        raise _no_grant("the user has signed out")
    granted = _granted(server, client, found.grant, scopes)
    grant = _redeemed(server, server.families.redeem_refresh(text), "refresh token")
    return _with_refresh(server, grant, granted), granted


def _by_client_credentials(
    server: AuthorizationServer, client: Client, form: Form
) -> tuple[dict[str, Any], Granted]:
    """https://hl7.org/fhir/smart-app-launch/backend-services.html"""
    if not client.backend:
        raise OAuthFault("unauthorized_client", "the client is not registered as a backend service")
    asked = [text for text in split(_needed(form, "scope")) if (s := scope(text)) and s.level == "system"]
    scopes = allowed(client.scopes, asked)
    if not scopes:
        raise OAuthFault("invalid_scope", "none of the scopes is a system/ scope of this client")
    granted = Granted(client.client_id, tuple(scopes))
    return server.minting.response(granted, server.config.backend_seconds), granted


def _person_client(client: Client) -> None:
    if client.backend:
        raise OAuthFault("unauthorized_client", "a backend service acts for no user")


def _needed(form: Form, name: str) -> str:
    if not form.get(name):
        raise OAuthFault("invalid_request", f"{name} is missing")
    return form[name]


def _check_verifier(verifier: str, challenge: str) -> None:
    if not verifier:
        raise OAuthFault("invalid_request", "code_verifier is missing")
    if not _VERIFIER.fullmatch(verifier):
        raise _no_grant("code_verifier is 43 to 128 unreserved characters")
    if not hmac.compare_digest(create_s256_code_challenge(verifier), challenge):
        raise _no_grant("code_verifier doesn't fit the code_challenge")


def _redeemed(server: AuthorizationServer, found: Redemption, what: str) -> Grant:
    if found.replayed and found.grant:
        server.events(
            "token-revoked",
            client_id=found.grant.client_id,
            subject=found.grant.subject,
            reason=f"{what} used twice",
        )
    if found.grant is None or found.replayed:
        raise _no_grant(f"the {what} has expired, was revoked, or was used before")
    return found.grant


def _granted(server: AuthorizationServer, client: Client, grant: Grant, scopes: list[str]) -> Granted:
    """With today's user, and what they and the client may have today."""
    user = _current(server, grant)
    scopes = list(server.grantable(user, allowed(client.scopes, scopes)))
    if not scopes:
        raise _no_grant("nothing that was granted is still possible")
    context = context_of(grant.context)
    return Granted(
        grant.client_id, tuple(scopes), user, grant.id, context, grant.nonce, int(context["auth_time"])
    )


def _current(server: AuthorizationServer, grant: Grant) -> User:
    try:
        person, held = server.seals.rows.open(grant.person)
        user = from_thread.run(server.provider.current, person_of(person).subject, str(held))
    except SealFault:
        raise _no_grant("the grant can't be read") from None
    except ProviderDownError:
        raise OAuthFault("temporarily_unavailable", "the identity provider can't be asked", 503) from None
    if user is None:
        raise _no_grant("the user may no longer sign in")
    found: User = user
    return found


def _narrowed(granted: str, asked: str | None) -> list[str]:
    """https://www.rfc-editor.org/rfc/rfc6749#section-6"""
    scopes = split(granted)
    wanted = split(asked) if asked else scopes
    more = [text for text in wanted if text not in scopes and text not in allowed(granted, [text])]
    if more or not wanted:
        raise OAuthFault("invalid_scope", "a refresh can't ask for more than was granted")
    return wanted


def _with_refresh(server: AuthorizationServer, grant: Grant, granted: Granted) -> dict[str, Any]:
    answer = server.minting.response(granted, server.config.access_seconds)
    if grant.access:
        answer["refresh_token"] = server.families.refresh_token(grant)
    return answer


def _no_grant(description: str) -> OAuthFault:
    return OAuthFault("invalid_grant", description)
