"""FHIR requests as events of the trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from fhir_facade.audit.event import Event, outcome_of
from fhir_facade.audit.interaction import Interaction, interaction
from fhir_facade.audit.masking import raw
from fhir_facade.audit.patients import PATIENT, PatientsOf, asked_for
from fhir_facade.content import Request, Response

#: not recorded: what the server says of itself, and browsers' questions before a request
OPEN = ("metadata", ".well-known", "OperationDefinition")
#: of one resource: the resource says what was asked; of all others the raw request is kept
ON_ONE = frozenset({"read", "vread", "history-instance", "create", "update", "patch", "delete"}) | {
    "batch",
    "transaction",
}

#: writes of one resource, which may find it by criteria
WRITES = frozenset({"create", "update", "patch", "delete"})


def is_recorded(request: Request, status: int) -> bool:
    """Whether a request leaves an event: a caller of too many must not fill the trail with them, nor one who
    asks how far an export is.
    """
    first = request.path.strip("/").partition("/")[0]
    waits = first == "_export" and status == 202 and request.method != "DELETE"
    return request.method != "OPTIONS" and first not in OPEN and status != 429 and not waits


class Shown(NamedTuple):
    """What an answer showed, in brief: it is kept until the event is made, the answer isn't.

    `patients` and `entities` are all that was served, `first` its first resource, `issue` the first issue's
    code where the request failed.
    """

    patients: list[str]
    entities: list[str]
    first: tuple[str, str] | None
    issue: str


def shown_by(response: Response, status: int, patients_of: PatientsOf) -> Shown:
    """What an answer of that status shows, and of whom."""
    served = response.served if status < 400 else ()
    named = [(str(r["resourceType"]), str(r["id"])) for r in served]
    entities = list(dict.fromkeys([f"{kind}/{id_}" for kind, id_ in named]))
    issue = _issue(response.resource) if status >= 400 else ""
    patients = patients_of(served)
    if response.about:
        patients = list(dict.fromkeys([*patients, *response.about]))
    return Shown(patients, entities, named[0] if named else None, issue)


def event_of(request: Request, shown: Shown, status: int, base: str) -> Event:
    """What the request was and whom its answer showed."""
    was = _with_address(interaction(request.method, request.path), request, shown)
    return Event(
        name=was.name,
        outcome=outcome_of(status),
        status=status,
        issue=shown.issue,
        resource_type=was.resource_type,
        id=was.id,
        query="" if was.name in ON_ONE else raw(request, base),
        address=request.address,
        request_id=request.request_id,
        caller=request.caller,
        patients=_patients(was, request, shown.patients),
        entities=shown.entities,
    )


def _with_address(was: Interaction, request: Request, shown: Shown) -> Interaction:
    """With the resource that a write was about, where only its answer says so; and what a Bundle was."""
    if was.name == "batch" and isinstance(request.sent, dict):
        return was._replace(name="transaction" if request.sent.get("type") == "transaction" else "batch")
    if was.name in WRITES and not was.id and shown.first:
        return was._replace(resource_type=shown.first[0], id=shown.first[1])
    return was


def _patients(was: Interaction, request: Request, shown: list[str]) -> list[str]:
    """Those who are shown, and those who were asked for."""
    asked = [was.within] if was.within else []
    if was.resource_type == PATIENT and was.id:
        asked.append(was.id)
    if request.parameters or request.body_parameters:
        asked += asked_for(request)
    return list(dict.fromkeys([*shown, *asked])) if asked else shown


def _issue(resource: Mapping[str, Any] | None) -> str:
    """The first issue's code; its text stays out."""
    issues: Sequence[Mapping[str, Any]] = (resource or {}).get("issue") or ({},)
    return str(issues[0].get("code", ""))
