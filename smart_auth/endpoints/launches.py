"""EHR launches: https://hl7.org/fhir/smart-app-launch/app-launch.html#launch-app-ehr-launch

A launch is opaque to the app: sealed, for one user, for one use, and for some minutes.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from smart_auth.access.caller import User
from smart_auth.seal import fresh
from smart_auth.server import AuthorizationServer
from smart_auth.store.once import first_use
from smart_auth.store.transaction import now

#: what a launch may carry to the app
CONTEXT = ("patient", "encounter", "intent", "need_patient_banner", "fhirContext")


def launch(
    server: AuthorizationServer, user: User, context: dict[str, Any], client_id: str = ""
) -> dict[str, str]:
    """A launch for a user: its handle, the FHIR base, and where the browser goes if the client says where."""
    content = {
        "id": fresh(),
        "iss": server.config.fhir_base,
        "subject": user.subject,
        "client_id": client_id,
        "context": {name: context[name] for name in CONTEXT if name in context},
        "expires": now() + server.config.launch_seconds,
    }
    handle = server.seals.launch.seal(content, server.config.launch_seconds)
    answer = {"launch": handle, "iss": server.config.fhir_base}
    client = server.clients.get(client_id) if client_id else None
    if client and client.launch_url:
        joint = "&" if "?" in client.launch_url else "?"
        answer["url"] = f"{client.launch_url}{joint}{urlencode(answer, quote_via=quote)}"
    server.events(
        "launch",
        client_id=client_id,
        subject=user.subject,
        username=user.username,
        patient=str(context.get("patient", "")),
    )
    return answer


def used_up(server: AuthorizationServer, found: dict[str, Any]) -> bool:
    """Uses a launch up; whether it had been before."""
    return not first_use(server.store, f"launch {found['id']}", int(found["expires"]) + 600)
