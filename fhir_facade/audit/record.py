"""The record of an access: the text that is sealed, and the columns that repeat it for searching.

A process has few tokens in use at a time and records thousands of accesses with each: what its records have
in common is written once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from fhir_facade.audit.event import Event
from mappers.facade.tables import fhir_audit
from smart_auth.access.caller import Caller

_LENGTHS = {c.name: getattr(c.type, "length", None) for c in fhir_audit.columns}
#: how ids are made of keys (mappers.cdss.links, mappers.openemr.links)
PRACTITIONER, PATIENT, OPENEMR = "Practitioner/user-", "Patient/", "oe-pat-"
TOKEN_URI = "urn:ietf:params:oauth:jti:"  # noqa: S105 - a prefix
#: holders whose part of a record is kept at hand
MOST_HOLDERS = 4096
Patient = tuple[str | None, int | None]


class Holder(NamedTuple):
    """What the records of one token's accesses from one address have in common, as JSON and as columns.

    `caller` is who they are of: as long as it is kept, no other has its place in memory.
    """

    caller: Caller | None
    text: bytes
    columns: tuple[Any, ...]


class Holders:
    """Everybody whose accesses a process has recorded lately; `server` is its own address."""

    def __init__(self, server: str) -> None:
        self.server = server
        self._known: dict[tuple[int, str, str], Holder] = {}

    def of(self, event: Event) -> Holder:
        """The holder of an event."""
        name = (id(event.caller), event.client, event.address)
        found = self._known.get(name)
        if found is None:
            if len(self._known) >= MOST_HOLDERS:
                self._known.clear()
            found = self._known[name] = self._made(event)
        return found

    def _made(self, event: Event) -> Holder:
        said = {**_identity(event), "address": event.address, "server": self.server}
        kept = {name: value for name, value in said.items() if value}
        return Holder(event.caller, orjson.dumps(kept)[1:-1], tuple(_held(kept).values()))


def text(event: Event, recorded: str, holder: Holder) -> str:
    """The canonical record, without what is empty; `recorded` is the site's own time, with its offset."""
    first = _members(
        {
            "recorded": recorded,
            "event": event.name,
            "outcome": event.outcome,
            "status": event.status,
            "issue": event.issue,
            "type": event.resource_type,
            "id": event.id,
        }
    )
    last = _members(
        {
            "request": event.request_id,
            "query": event.query,
            "patients": event.patients,
            "entities": event.entities,
            "details": dict(event.details) if event.details else None,
        }
    )
    return f"{{{b','.join(filter(None, (first, holder.text, last))).decode()}}}"


def _members(said: Mapping[str, Any]) -> bytes:
    return orjson.dumps({name: value for name, value in said.items() if value})[1:-1]


def _identity(event: Event) -> dict[str, Any]:
    caller = event.caller
    if caller is None:
        return {"client": event.client}
    found: dict[str, Any] = {
        "client": caller.client_id,
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


def canonical(record: Mapping[str, Any]) -> str:
    """The text of a record."""
    return orjson.dumps(record).decode()


def columns(event: Event, holder: Holder) -> tuple[Any, ...]:
    """The columns that repeat what is searched of an event: those that `searched` finds in its record."""
    about = (_fitting("entity_type", event.resource_type or None), _fitting("entity_id", event.id or None))
    return (_fitting("event", event.name), _fitting("outcome", event.outcome), *holder.columns, *about)


def searched(record: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that repeat what is searched, from the record alone: so a changed column shows."""
    return {
        "event": _fitting("event", record["event"]),
        "outcome": _fitting("outcome", record["outcome"]),
        **_held(record),
        "entity_type": _fitting("entity_type", record.get("type")),
        "entity_id": _fitting("entity_id", record.get("id")),
    }


def _held(record: Mapping[str, Any]) -> dict[str, Any]:
    user: Mapping[str, Any] = record.get("user") or {}
    told = (user.get("fhirUser"), user.get("username"), user.get("name"))
    return _holding(*told, *(record.get(name) for name in ("client", "address", "server", "token")))


@lru_cache(MOST_HOLDERS)
def _holding(
    fhir_user: str | None,
    username: str | None,
    name: str | None,
    client: str | None,
    address: str | None,
    server: str | None,
    token: str | None,
) -> dict[str, Any]:
    reference = fhir_user or ""
    found = {
        "user_id": _number(reference, PRACTITIONER),
        "user_patient": reference.removeprefix(PATIENT) if reference.startswith(PATIENT) else None,
        "username": username,
        "user_name": name,
        "client": client,
        "address": address,
        "server": server,
        "token": TOKEN_URI + token if token else None,
    }
    return {column: _fitting(column, value) for column, value in found.items()}


def _fitting(name: str, value: Any) -> Any:
    return value[: _LENGTHS[name]] if isinstance(value, str) else value


def moment(recorded: str) -> str:
    """A record's time as the databases hold it: the site's, without zone."""
    return recorded[:26].replace("T", " ")


def patient_columns(patient: str) -> Patient:
    """(patient_id, openemr_pid) of a logical id: the CDSS's key as it is, OpenEMR's as its number."""
    number = _number(patient, OPENEMR)
    return (patient, None) if number is None else (None, number)


def _number(text: str, prefix: str) -> int | None:
    """The number behind a prefix, as a database holds it; None where there is no such."""
    if not text.startswith(prefix):
        return None
    number = text.removeprefix(prefix)
    return int(number) if number.isdecimal() and len(number) < 19 else None
