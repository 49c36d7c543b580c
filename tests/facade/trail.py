"""What a few accesses leave in the audit trail, the same over every database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fhir_facade.audit.event import Event
from fhir_facade.settings import Settings
from smart_auth.access.caller import Caller, User
from tests.facade.facade import Facade

DOCTOR = User("sub-2", "doctor", "박의사", frozenset({"doctor"}), "Practitioner/user-2")
PATIENT = User("sub-9", "patient1", "김영희", frozenset({"patient"}), "Patient/P-2025-000001")
ISSUER = "http://facade.test/api/auth"
APP = Caller("app-1", (), DOCTOR, token_id="a-token-of-the-demo", issuer=ISSUER)
BROKEN_GLASS = replace(APP, token_id="another-token", emergency="의식 없는 환자")
PORTAL = Caller("portal", (), PATIENT, patient="P-2025-000001", token_id="patient's-token", issuer=ISSUER)
SERVICE = Caller("lab-robot", (), token_id="service-token", issuer=ISSUER)

TYPING = Caller("fhir-facade", (), User("root", "root", "root"))

#: paths of nobody's requests, and events of those whom a token names
PATHS = (
    "Patient/P-2025-000001",
    "Observation?_count=20",
    "Patient?_count=3&_elements=id",
    "MedicationRequest?_include=MedicationRequest:subject&_count=2",
    "Practitioner/user-2",
    "Observation?nonsense=1",
)
QUERY = "R0VUIGh0dHA6Ly9mYWNhZGUudGVzdC9hcGkvZmhpci9QYXRpZW50"
FIRST, SECOND, OPENEMR = "P-2025-000001", "P-2025-000002", "oe-pat-3"


def access(name: str, reference: str, caller: Caller, patient: str = "", **more: Any) -> Event:
    """An access, from the same address as all."""
    kind, _, id_ = reference.partition("/")
    return Event(
        name,
        status=more.pop("status", 200),
        resource_type=kind,
        id=id_,
        caller=caller,
        patients=[patient] if patient else (),
        address="10.0.4.77",
        request_id="0123456789abcdef",
        **more,
    )


def typed(name: str, about: str, patient: str = "", outcome: str = "0", **details: str) -> Event:
    """What an administrator has changed by a command."""
    patients = [patient] if patient else ()
    return Event(name, outcome, id=about, caller=TYPING, address="cdss-1", patients=patients, details=details)


EVENTS = (
    access("read", "Observation/lab-4001", APP, FIRST),
    access("read", f"Patient/{OPENEMR}", BROKEN_GLASS, OPENEMR),
    access("search-type", "", PORTAL, FIRST, query=QUERY),
    access("search-system", "", SERVICE, query=QUERY),
    access("read", f"Patient/{SECOND}", APP, SECOND, outcome="4", status=403, issue="forbidden"),
    access("create", "Observation/lab-4002", APP, FIRST, status=201),
    access("update", "Observation/lab-4002", APP, FIRST),
    access("delete", "Observation/lab-4002", APP, FIRST, status=204),
    access("operation", f"Patient/{FIRST}", APP, FIRST, query=QUERY),
    access("login", "", replace(APP, token_id="")),
    access("login", "", Caller("app-1", ()), outcome="4"),
    access("token", "", APP, query=QUERY),
    access("revoke", "", APP),
    access("launch", "", APP, FIRST),
    access("export", "", SERVICE, query=QUERY),
    access("emergency", "", BROKEN_GLASS, SECOND),
    typed("configuration", "growth-chart", command="client add", kind="public"),
    typed("user-security", "nurse9", outcome="4", command="user lock"),
    typed("consent", "Practitioner/user-9", SECOND, command="consent give", days="30"),
)


async def leave_trail(settings: Settings) -> None:
    """Makes the accesses, one after another."""
    facade = Facade(replace(settings, audit="on"))
    keeper = facade.app.fhir.keeper
    assert keeper is not None
    for path in PATHS:
        await facade.get(path)
    for event in EVENTS:
        await keeper.trail.record(event)
    await facade.close()
