"""The patients and visits that a user may choose from when an app asks for one.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#requesting-context-with-scopes
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from fhir_facade.seen_by_user import SeenByUser
from mappers.mapping import LOGICAL_ID
from mappers.parse import SearchFault
from mappers.query import Sort
from smart_auth.access.caller import User
from smart_auth.config import EncounterChoice, Encounters, PatientChoice, Patients

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE_PART = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
MOST = 20


def patient_choices(seen: SeenByUser) -> Patients:
    """A search by id, birth date or name among the patients whom the user may see."""

    async def choices(user: User, text: str) -> Sequence[PatientChoice]:
        found: dict[str, PatientChoice] = {}
        for name, value in _patient_parameters(text.strip()):
            for patient in await _found(seen, user, name, value):
                found.setdefault(patient["id"], _patient(patient))
        return list(found.values())[:MOST]

    return choices


def encounter_choices(seen: SeenByUser) -> Encounters:
    """A search by id or latest date among a patient's visits that the user may see, the newest first."""

    async def choices(user: User, patient: str, text: str) -> Sequence[EncounterChoice]:
        found: dict[str, EncounterChoice] = {}
        for asked in _encounter_parameters(text.strip()):
            for encounter in await _encounters(seen, user, ("patient", patient), *asked):
                found.setdefault(encounter["id"], _encounter(encounter))
        return list(found.values())[:MOST] if LOGICAL_ID.fullmatch(patient) else []

    return choices


async def _encounters(seen: SeenByUser, user: User, *asked: tuple[str, str]) -> list[dict[str, Any]]:
    """What fulfils all parameters, the newest first."""
    where = [seen.condition("Encounter", name, value) for name, value in asked]
    known = tuple(condition for condition in where if condition is not None)
    if len(known) < len(where):
        return []
    return await seen.matches(user, "Encounter", known, MOST, Sort("date", descending=True))


async def _found(seen: SeenByUser, user: User, name: str, value: str) -> list[dict[str, Any]]:
    """What a parameter finds; where names are encrypted, those that are exactly the text."""
    try:
        return await _patients(seen, user, name, value)
    except SearchFault:
        return await _patients(seen, user, f"{name}:exact", value)


async def _patients(seen: SeenByUser, user: User, name: str, value: str) -> list[dict[str, Any]]:
    condition = seen.condition("Patient", name, value) if name else None
    if name and condition is None:
        return []
    return await seen.matches(user, "Patient", (condition,) if condition else (), MOST)


def _patient_parameters(text: str) -> Iterator[tuple[str, str]]:
    """An id first, so that it is found however many names begin like it."""
    if not text:
        yield "", ""
        return
    if LOGICAL_ID.fullmatch(text):
        yield "_id", text
    yield ("birthdate", text) if _DATE.fullmatch(text) else ("name", text.replace(",", r"\,"))


def _encounter_parameters(text: str) -> Iterator[tuple[tuple[str, str], ...]]:
    """An id first, also one that looks like a date; then what had begun by that date."""
    if not text:
        yield ()
        return
    if LOGICAL_ID.fullmatch(text):
        yield (("_id", text),)
    if _DATE_PART.fullmatch(text):
        yield (("date", f"lt{_next(text)}"),)


def _next(text: str) -> str:
    """The next year, month or day; the text itself where it is no date, or the last."""
    try:
        first = date.fromisoformat(f"{text}-01-01"[:10])
        return (first + timedelta(days={4: 366, 7: 31, 10: 1}[len(text)])).isoformat()[: len(text)]
    except (ValueError, OverflowError):
        return text


def _patient(patient: dict[str, Any]) -> PatientChoice:
    names = patient.get("name") or [{}]
    parts = [names[0].get("family", ""), *names[0].get("given", [])]
    name = names[0].get("text") or " ".join(filter(None, parts)) or patient["id"]
    return PatientChoice(patient["id"], name, patient.get("birthDate", ""), patient.get("gender", ""))


def _encounter(encounter: dict[str, Any]) -> EncounterChoice:
    period, kind = encounter.get("period", {}), encounter.get("class", {})
    told = [kind.get("display") or kind.get("code", ""), encounter.get("serviceType", {}).get("text", "")]
    return EncounterChoice(
        encounter["id"],
        _minute(period.get("start", "")),
        _minute(period.get("end", "")),
        " · ".join(filter(None, told)),
    )


def _minute(instant: str) -> str:
    """A dateTime as people read it; its offset is the hospital's."""
    return instant[:16].replace("T", " ")
