"""The server's own pages as a SMART client of its own authorization server.

https://hl7.org/fhir/smart-app-launch/app-launch.html
"""

from __future__ import annotations

from smart_auth.server import AuthorizationServer
from smart_auth.store.tables import Client
from smart_auth.store.transaction import now

CLIENT_ID = "landing"
NAME = "NeuroNova FHIR start page"
SCOPES = "openid fhirUser profile user/*.rs"


def register(server: AuthorizationServer) -> bool:
    """Registers it as it is now; False where a browser can't sign in: to an address that isn't https, but for
    loopback, no code may be sent, and browsers keep what PKCE needs from its scripts.
    """
    client = Client(
        client_id=CLIENT_ID,
        name=NAME,
        kind="public",
        redirect_uris=redirect_uri(server.config.base_url),
        scopes=SCOPES,
        created=now(),
    )
    try:
        server.clients.keep(client)
    except ValueError:
        return False
    return True


def redirect_uri(base_url: str) -> str:
    """Where the code comes: the start page."""
    return f"{base_url}/"
