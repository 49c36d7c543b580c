"""The patients that a user may choose from when an app asks for one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from fhir_facade.service import Service
from mappers.engine import Engine
from mappers.mapping import LOGICAL_ID
from mappers.parse import SearchFault
from mappers.query import UNRESTRICTED, Access, SearchQuery
from smart_auth.access.caller import Caller, User
from smart_auth.access.opening import Opener
from smart_auth.access.scopes import resource_scopes
from smart_auth.config import PatientChoice, Patients

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
MOST = 20
_ANY_PATIENT = tuple(resource_scopes(["user/Patient.rs"]))


def patient_choices(service: Service, opener: Opener) -> Patients:
    """A search by id, birth date or name among the patients whom the user may see."""
    # without any value that only some roles may see
    engine = Engine(service.mappings, service.engine.database, replace(service.site, permits=frozenset()))

    async def choices(user: User, text: str) -> Sequence[PatientChoice]:
        caller = Caller("", _ANY_PATIENT, user)
        access = opener.access(caller, "s") if service.settings.enable_security else UNRESTRICTED
        found: dict[str, PatientChoice] = {}
        for name, value in _parameters(text.strip()):
            for patient in await _found(service, engine, access, name, value):
                found.setdefault(patient.id, patient)
        return list(found.values())[:MOST]

    return choices


async def _found(
    service: Service, engine: Engine, access: Access, name: str, value: str
) -> list[PatientChoice]:
    """What a parameter finds; where names are encrypted, those that are exactly the text."""
    try:
        return await _matches(engine, _query(service, name, value), access)
    except SearchFault:
        return await _matches(engine, _query(service, f"{name}:exact", value), access)


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    """An id first, so that it is found however many names begin like it."""
    if not text:
        yield "", ""
        return
    if LOGICAL_ID.fullmatch(text):
        yield "_id", text
    yield ("birthdate", text) if _DATE.fullmatch(text) else ("name", text.replace(",", r"\,"))


def _query(service: Service, name: str, value: str) -> SearchQuery | None:
    try:
        conditions = (service.parser().condition("Patient", name, value),) if name else ()
    except SearchFault:
        return None
    return SearchQuery("Patient", conditions)


async def _matches(engine: Engine, query: SearchQuery | None, access: Access) -> list[PatientChoice]:
    if query is None:
        return []
    page = await engine.page(query, MOST, access=access)
    return [_choice(match) for match in page.matches if isinstance(match, dict)]


def _choice(patient: dict[str, Any]) -> PatientChoice:
    names = patient.get("name") or [{}]
    parts = [names[0].get("family", ""), *names[0].get("given", [])]
    name = names[0].get("text") or " ".join(filter(None, parts)) or patient["id"]
    return PatientChoice(patient["id"], name, patient.get("birthDate", ""), patient.get("gender", ""))
