"""Which client asks: https://www.rfc-editor.org/rfc/rfc6749#section-2.3"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import unquote_plus

from smart_auth import passwords
from smart_auth.clients.assertion import ASSERTION_TYPE, Assertions
from smart_auth.faults import OAuthFault
from smart_auth.store.clients import Clients
from smart_auth.store.tables import Client


class ClientAuthentication:
    """Authenticates the client of a request to the token, revocation or introspection endpoint."""

    def __init__(self, clients: Clients, assertions: Assertions) -> None:
        self._clients, self._assertions = clients, assertions

    def client(self, form: Mapping[str, str], authorization: str) -> Client:
        """The client, by the one way that it is registered for; raises OAuthFault (invalid_client)."""
        ways = [bool(authorization), "client_assertion" in form, "client_secret" in form]
        if sum(ways) > 1:
            raise OAuthFault("invalid_request", "a client authenticates in one way")
        if authorization:
            return self._by_basic(authorization, form.get("client_id", ""))
        if "client_assertion" in form:
            if form.get("client_assertion_type") != ASSERTION_TYPE:
                raise OAuthFault("invalid_client", f"client_assertion_type is {ASSERTION_TYPE}")
            return self._assertions.client(form["client_assertion"], form.get("client_id", ""))
        if "client_secret" in form:
            return self._by_secret(form.get("client_id", ""), form["client_secret"], 400)
        return self._public(form.get("client_id", ""))

    def _by_basic(self, authorization: str, stated_id: str) -> Client:
        scheme, _, value = authorization.partition(" ")
        try:
            decoded = base64.b64decode(value.strip(), validate=True).decode()
            client_id, secret = (unquote_plus(part, errors="strict") for part in decoded.split(":", 1))
        except ValueError:
            raise OAuthFault("invalid_client", "the Authorization header can't be read", 401) from None
        if scheme.lower() != "basic" or stated_id not in ("", client_id):
            raise OAuthFault("invalid_client", "clients authenticate by Basic, as one client", 401)
        return self._by_secret(client_id, secret, 401)

    def _by_secret(self, client_id: str, secret: str, status: int) -> Client:
        client = self._clients.get(client_id)
        kept = client.secret_hash if client and client.kind == "symmetric" else ""
        if not passwords.matches(kept, secret) or client is None:
            raise OAuthFault("invalid_client", "unknown client or wrong secret", status)
        return client

    def _public(self, client_id: str) -> Client:
        client = self._clients.get(client_id) if client_id else None
        if client is None or client.kind != "public":
            raise OAuthFault("invalid_client", "unknown client, or one that has to authenticate")
        return client
