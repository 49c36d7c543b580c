"""R4's profiles of vital signs, which ask for what their LOINC codes need, claimed or not.

https://hl7.org/fhir/R4/observation-vitalsigns.html: told as warnings, for a measurement without is better
kept than lost. `vital_signs.csv` has the codes, the observation that a component is of, and the units.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from mappers.validation.issues import Issue
from terminology import systems

Json = dict[str, Any]
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_PANEL = "85353-1"


class VitalSign(NamedTuple):
    """A code's profile, the code of the observation that it is a component of, and the units it may have."""

    name: str
    within: str
    units: tuple[str, ...]


@cache
def _signs() -> dict[str, VitalSign]:
    text = files("mappers.validation").joinpath("vital_signs.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["code"]: VitalSign(row["name"], row["within"], tuple(row["units"].split())) for row in rows}


def issues_of(observation: Json, at: str) -> Iterator[Issue]:
    """What an Observation with the code of a vital sign lacks of its profile."""
    for code in sorted(_codes(observation, "code", systems.LOINC)):
        sign = _signs().get(code)
        if sign is not None and not sign.within:
            for expression, words in (*_of_all(observation), *_of_value(observation, code, sign)):
                yield Issue("warning", "business-rule", at + expression, f"R4's {sign.name} profile: {words}")


def _of_all(observation: Json) -> Iterator[tuple[str, str]]:
    categories = observation.get("category")
    listed = categories if isinstance(categories, list) else []
    if not any("vital-signs" in _codes({"category": one}, "category", _CATEGORY) for one in listed):
        yield ".category", "the category is vital-signs"
    if "subject" not in observation:
        yield ".subject", "subject is mandatory"
    if not observation.keys() & {"effectiveDateTime", "effectivePeriod"}:
        yield ".effective", "effectiveDateTime or effectivePeriod is mandatory"


def _of_value(observation: Json, code: str, sign: VitalSign) -> Iterator[tuple[str, str]]:
    """The value with its unit; of a blood pressure, both parts with theirs; of a panel, its members."""
    if sign.units:
        yield from _measured(observation, "", sign)
    elif code == _PANEL:
        if not observation.get("hasMember"):
            yield ".hasMember", "a panel has members"
    else:
        for part, of in _signs().items():
            if of.within == code:
                yield from _component(observation, part, of)


def _component(observation: Json, code: str, sign: VitalSign) -> Iterator[tuple[str, str]]:
    components = observation.get("component")
    listed = components if isinstance(components, list) else []
    found = [one for one in enumerate(listed) if code in _codes(one[1], "code", systems.LOINC)]
    if len(found) != 1:
        yield ".component", f"there is one component {code} ({sign.name})"
    for index, component in found:
        yield from _measured(component, f".component[{index}]", sign)


def _measured(value: Json, expression: str, sign: VitalSign) -> Iterator[tuple[str, str]]:
    quantity = value.get("valueQuantity")
    if quantity is None:
        if not value.keys() & {"dataAbsentReason", "component", "hasMember"}:
            yield expression, "there is a valueQuantity, or the reason why not (vs-2, vs-3)"
        return
    where = f"{expression}.value.ofType(Quantity)"
    if not isinstance(quantity, dict) or not {"value", "unit"} <= quantity.keys():
        yield where, "value and unit are mandatory"
    elif quantity.get("system") != systems.UCUM or quantity.get("code") not in sign.units:
        yield where, f"the code is {' or '.join(sign.units)} of UCUM"


def _codes(holder: Any, name: str, system: str) -> set[str]:
    """The codes of a system in a CodeableConcept of an object; none where that isn't one."""
    concept = holder.get(name) if isinstance(holder, dict) else None
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return {
        one["code"]
        for one in (codings if isinstance(codings, list) else ())
        if isinstance(one, dict) and one.get("system") == system and isinstance(one.get("code"), str)
    }
