"""One access as the trail keeps it, and what of it is searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from mappers.facade.tables import fhir_audit
from smart_auth.access.caller import Caller

#: issues and statuses below it are successes
FAILED, BROKEN = 400, 500
_LENGTHS = {c.name: getattr(c.type, "length", None) for c in fhir_audit.columns}
#: how ids are made of keys (mappers.cdss.links, mappers.openemr.links)
PRACTITIONER, PATIENT, OPENEMR = "Practitioner/user-", "Patient/", "oe-pat-"
TOKEN_URI = "urn:ietf:params:oauth:jti:"  # noqa: S105 - a prefix


@dataclass(frozen=True)
class Event:
    """One access. `name` is a word of terminology/maps/facade_audit_*.csv; `query` is base64.

    `patients` are logical ids; `entities` all references that were served; `issue` is an issue-type.
    """

    name: str
    outcome: str = "0"
    status: int = 0
    issue: str = ""
    resource_type: str = ""
    id: str = ""
    query: str = ""
    address: str = ""
    request_id: str = ""
    client: str = ""
    caller: Caller | None = None
    patients: Sequence[str] = ()
    entities: Sequence[str] = ()
    details: Mapping[str, str] | None = None

    def record(self, recorded: datetime, server: str) -> dict[str, Any]:
        """The canonical record without what is empty; `recorded` is the site's own time, with its offset."""
        caller = self.caller
        found: dict[str, Any] = {
            "recorded": recorded.isoformat(timespec="microseconds"),
            "event": self.name,
            "outcome": self.outcome,
            "status": self.status,
            "issue": self.issue,
            "type": self.resource_type,
            "id": self.id,
            "client": caller.client_id if caller else self.client,
            **(_identity(caller) if caller else {}),
            "address": self.address,
            "server": server,
            "request": self.request_id,
            "query": self.query,
            "patients": list(self.patients),
            "entities": list(self.entities),
            "details": dict(self.details) if self.details else None,
        }
        return {name: value for name, value in found.items() if value}


def _identity(caller: Caller) -> dict[str, Any]:
    found: dict[str, Any] = {
        "token": caller.token_id,
        "issuer": caller.issuer,
        "emergency": caller.emergency,
    }
    user = caller.user
    if user is not None:
        found["user"] = {
            "subject": user.subject,
            "username": user.username,
            "name": user.name or user.username,
            "fhirUser": user.fhir_user,
            "roles": sorted(user.roles),
        }
    return found


def outcome_of(status: int) -> str:
    """audit-event-outcome of an HTTP status: success, minor failure (refused), serious failure (ours)."""
    return "0" if status < FAILED else "4" if status < BROKEN else "8"


def canonical(record: Mapping[str, Any]) -> str:
    """The record's text, which is what is sealed."""
    return orjson.dumps(record).decode()


def searched(record: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that repeat what is searched, from the record alone: so a changed column shows."""
    user: Mapping[str, Any] = record.get("user") or {}
    token = record.get("token")
    return {
        "event": _fitting("event", record["event"]),
        "outcome": _fitting("outcome", record["outcome"]),
        **_holder(user.get("fhirUser"), user.get("username"), user.get("name"), record.get("client")),
        "address": _fitting("address", record.get("address")),
        "server": _fitting("server", record.get("server")),
        "token": _fitting("token", TOKEN_URI + token if token else None),
        "entity_type": _fitting("entity_type", record.get("type")),
        "entity_id": _fitting("entity_id", record.get("id")),
    }


@lru_cache(4096)
def _holder(
    fhir_user: str | None, username: str | None, name: str | None, client: str | None
) -> dict[str, Any]:
    """What is the same for all accesses of somebody with a client."""
    reference = fhir_user or ""
    found = {
        "user_id": _number(reference, PRACTITIONER),
        "user_patient": reference.removeprefix(PATIENT) if reference.startswith(PATIENT) else None,
        "username": username,
        "user_name": name,
        "client": client,
    }
    return {column: _fitting(column, value) for column, value in found.items()}


def _fitting(name: str, value: Any) -> Any:
    return value[: _LENGTHS[name]] if isinstance(value, str) else value


def moment(record: Mapping[str, Any]) -> str:
    """The record's time as the databases hold it: the site's, without zone."""
    return str(record["recorded"])[:26].replace("T", " ")


def patient_columns(patient: str | None) -> tuple[str | None, int | None]:
    """(patient_id, openemr_pid) of a logical id: the CDSS's key as it is, OpenEMR's as its number."""
    number = _number(patient, OPENEMR) if patient else None
    return (patient, None) if number is None else (None, number)


def _number(text: str, prefix: str) -> int | None:
    """The number behind a prefix, as a database holds it; None where there is no such."""
    number = text.removeprefix(prefix)
    return int(number) if number != text and number.isdecimal() and len(number) < 19 else None
