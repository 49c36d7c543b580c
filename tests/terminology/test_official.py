"""Whether a code is in a value set: HL7's own validator, asked by a required binding, says the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from terminology.service.compose import Composer
from terminology.service.source import Resource, TerminologyFault
from terminology.service.standing import standing
from tests.validator import Validator

PROFILE = "http://example.org/StructureDefinition/bound-"
#: every so many value sets are asked about; each asks for a handful of resources
EVERY, EVERY_SHAPED = 9, 1
#: the validator goes by nesting alone; these have members that only the concept property `child` puts there
#: https://hl7.org/fhir/R4/codesystem-concept-properties.html
BY_PROPERTY = frozenset(
    f"http://{url}"
    for url in (
        "terminology.hl7.org/ValueSet/v3-ActPharmacySupplyType",
        "hl7.org/fhir/ValueSet/detectedissue-category",
        "hl7.org/fhir/ValueSet/parent-relationship-codes",
    )
)


def chosen() -> list[Resource]:
    """A sample of R4's value sets, and all that have filters, excludes or imports."""
    found = list(standing().every("ValueSet"))
    shaped = [one for one in found if _is_shaped(one)]
    plain = [one for one in found if not _is_shaped(one)]
    return [*shaped[::EVERY_SHAPED], *plain[::EVERY]]


def _is_shaped(value_set: Resource) -> bool:
    compose = value_set.get("compose", {})
    return "exclude" in compose or any("filter" in i or "valueSet" in i for i in compose.get("include", ()))


def codes_to_ask(value_set: Resource) -> Iterator[tuple[str, str, bool]]:
    """(system, code, whether it is in it): some members, and codes of the same systems that are none."""
    members = Composer(standing()).members(value_set)
    keys = list(members)
    yield from ((system, code, True) for system, code in {*keys[:2], *keys[-1:]} if system)
    # the validator can't read a url with a version in it, as v2's tables of one version have
    for system in sorted({system for system, _ in keys if system and "|" not in system})[:2]:
        content = standing().content(system)
        others = [c for c in content.concepts if (system, c) not in members] if content else []
        yield from ((system, code, False) for code in [*others[:1], *others[-1:]])
        yield system, "no-such-code", False


def profile(number: int, url: str) -> Resource:
    """A profile of Observation whose value is bound to the value set."""
    path = "Observation.value[x]"
    bound = {"strength": "required", "valueSet": url}
    element = {"id": path, "path": path, "type": [{"code": "CodeableConcept"}], "binding": bound}
    return {
        "resourceType": "StructureDefinition",
        "id": f"bound-{number}",
        "url": f"{PROFILE}{number}",
        "name": f"Bound{number}",
        "status": "active",
        "fhirVersion": "4.0.1",
        "kind": "resource",
        "abstract": False,
        "type": "Observation",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Observation", "path": "Observation"}, element]},
    }


def observation(number: int, system: str, code: str) -> Resource:
    """An Observation that claims the profile, with the code as its value."""
    return {
        "resourceType": "Observation",
        "meta": {"profile": [f"{PROFILE}{number}"]},
        "status": "final",
        "code": {"text": "asked"},
        "valueCodeableConcept": {"coding": [{"system": system, "code": code}]},
    }


@pytest.fixture(scope="module")
def asked() -> list[tuple[int, Resource, str, str, bool]]:
    found = []
    for number, value_set in enumerate(chosen()):
        try:
            found += [(number, value_set, *one) for one in codes_to_ask(value_set)]
        except TerminologyFault:
            continue
    return found


def test_membership_is_what_hl7s_validator_says(
    asked: list[tuple[int, Resource, str, str, bool]], tmp_path: Path, validator: Validator
) -> None:
    del validator  # it is here for its tools: this one has profiles of its own
    for number, value_set in {number: one for number, one, *_ in asked}.items():
        (tmp_path / f"{number}.json").write_text(json.dumps(profile(number, value_set["url"])))
    resources: list[Any] = [observation(number, system, code) for number, _, system, code, _ in asked]
    with Validator(profiles=(tmp_path,)) as official:
        judged = official.validate(resources)
    wrong = []
    for (_, value_set, system, code, inside), issues in zip(asked, judged, strict=True):
        refused = any(i.is_error and i.message_id.startswith("Terminology_TX_NoValid") for i in issues)
        if refused is inside and value_set["url"] not in BY_PROPERTY:
            told = [str(i) for i in issues if "value" in i.location]
            wrong.append(f"{value_set['url']} {system}|{code}: {inside} here; {told}")
    assert len(asked) > 300
    assert not wrong, f"{len(wrong)} of {len(asked)}\n" + "\n".join(wrong[:20])
