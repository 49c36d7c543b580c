"""IHE's Basic Audit Log Patterns: which profile an AuditEvent fulfils. https://profiles.ihe.net/ITI/BALP"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mappers.mapping import Profile

Resource = dict[str, Any]
BASE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition"
REQUEST_ID = {
    "system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType",
    "code": "XrequestId",
}
TOKEN_SERVICE = {
    "system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes",
    "code": "AuthzOauthService",
}
GET_TOKEN = {"system": "urn:ihe:event-type-code", "code": "ITI-71", "display": "Get Access Token"}

#: profile name → the subtypes that it is for
RESTFUL = {
    "Read": ("read", "vread"),
    "Query": ("search-type", "search-system"),
    "Create": ("create",),
    "Update": ("update", "patch"),
    "Delete": ("delete",),
}


def profiles() -> Iterator[Profile]:
    """Every profile with what must hold for it."""
    for name, subtypes in RESTFUL.items():
        yield Profile(f"{BASE}/IHE.BasicAudit.{name}", _without_patient(subtypes))
        yield Profile(f"{BASE}/IHE.BasicAudit.Patient{name}", _with_patient(subtypes))
    yield Profile(f"{BASE}/IHE.IUA.71", _token)


def _without_patient(subtypes: tuple[str, ...]) -> Callable[[Resource], bool]:
    return lambda event: _fits(event, subtypes) and not _patients(event)


def _with_patient(subtypes: tuple[str, ...]) -> Callable[[Resource], bool]:
    return lambda event: _fits(event, subtypes) and len(_patients(event)) == 1


def _fits(event: Resource, subtypes: tuple[str, ...]) -> bool:
    """A success of that interaction, by a client with an address, of one query or one resource."""
    codes = {s.get("code") for s in event.get("subtype", ())}
    return (
        event["outcome"] == "0"
        and bool(codes & set(subtypes))
        and _addressed(event)
        and len(_objects(event)) == 1
    )


def _token(event: Resource) -> bool:
    codes = {s.get("code") for s in event.get("subtype", ())}
    alone = len(event.get("entity", ())) == 1 and "query" in event["entity"][0]
    return event["outcome"] == "0" and codes == {"ITI-71"} and _addressed(event) and alone


def _addressed(event: Resource) -> bool:
    """Client and server each say who and where."""
    machines = [a for a in event["agent"] if "network" in a]
    return len(machines) == 2 and all("who" in a for a in event["agent"])


def _patients(event: Resource) -> list[Resource]:
    return [e for e in event.get("entity", ()) if e["type"].get("code") == "1" and "what" in e]


def _objects(event: Resource) -> list[Resource]:
    """The one thing asked of: a query, or the resource itself."""
    return [
        e for e in event.get("entity", ()) if e["type"].get("code") == "2" and ("query" in e or "what" in e)
    ]
