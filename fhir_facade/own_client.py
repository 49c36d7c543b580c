"""The server's own pages as SMART clients of its own authorization server.

https://hl7.org/fhir/smart-app-launch/app-launch.html
"""

from __future__ import annotations

from dataclasses import dataclass

from smart_auth.server import AuthorizationServer
from smart_auth.store.tables import Client
from smart_auth.store.transaction import now


@dataclass(frozen=True)
class OwnClient:
    """A page that signs in. `path`: where the code comes; `launched`: whether an EHR launch begins there."""

    client_id: str
    name: str
    path: str
    scopes: str
    launched: bool = False


START_PAGE = OwnClient("landing", "NeuroNova FHIR start page", "/", "openid fhirUser profile user/*.rs")
DOCUMENTATION = OwnClient(
    "api-docs", "NeuroNova API documentation", "/api/docs/", "openid fhirUser profile user/*.cruds"
)
VIEWER = OwnClient(
    "pacs-viewer",
    "NeuroNova image viewer",
    "/pacs-viewer/launch",
    "launch launch/patient openid fhirUser patient/ImagingStudy.crus",
    launched=True,
)


def register(server: AuthorizationServer, own: OwnClient) -> bool:
    """Registers it as it is now; False where a browser can't sign in: to an address that isn't https, but for
    loopback, no code may be sent, and browsers keep what PKCE needs from its scripts.
    """
    address = f"{server.config.base_url}{own.path}"
    client = Client(
        client_id=own.client_id,
        name=own.name,
        kind="public",
        redirect_uris=address,
        launch_url=address if own.launched else "",
        scopes=own.scopes,
        created=now(),
    )
    try:
        server.clients.keep(client)
    except ValueError:
        return False
    return True
