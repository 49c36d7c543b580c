"""Searches by value set and by hierarchy find what the served codes say, on every database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from mappers.value_sets import MOST
from terminology import definitions
from terminology.service.compose import Composer
from terminology.service.standing import standing
from tests.facade.facade import Facade, ids

VS = "http://hl7.org/fhir/ValueSet/"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
BY_SET = [
    ("Observation", "code", "code", f"{VS}observation-vitalsignresult"),
    ("Observation", "code", "code", "http://loinc.org/vs"),
    ("Observation", "status", "status", f"{VS}observation-status|4.0.1"),
    ("Observation", "category", "category", f"{VS}observation-category"),
    ("Encounter", "class", "class", "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode"),
    ("Patient", "gender", "gender", f"{VS}administrative-gender"),
    ("Condition", "clinical-status", "clinicalStatus", f"{VS}condition-clinical"),
    ("AllergyIntolerance", "code", "code", f"{VS}observation-status"),
    ("Observation", "code", "code", "http://neuronova.example/fhir/ValueSet/units"),
]


def codings(value: Any, system: str) -> Iterator[tuple[str, str]]:
    """(system, code) of whatever a token parameter looks at."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, str):
            yield system, one
        elif one:
            told = one.get("coding", [one])
            yield from ((c.get("system", ""), c["code"]) for c in told if "code" in c)


async def expected(facade: Facade, kind: str, element: str, url: str) -> set[str]:
    """The ids of the resources that have a code of the set, as their JSON says."""
    resolver = standing()
    value_set = resolver.value_set(url)
    assert value_set
    own = next((i["system"] for i in value_set["compose"]["include"] if "system" in i), "")
    composer, found = Composer(resolver), set()
    for resource in await facade.all(kind):
        told = list(codings(resource.get(element, []), own))
        # what can't be told of a code is whether its system has it: the hospital's word for it is taken
        if any(composer.holds(value_set, *one) is not False for one in told):
            found.add(f"{kind}/{resource['id']}")
    return found


async def searched(facade: Facade, path: str) -> set[str]:
    return set(ids(await facade.bundle(f"{path}&_count=1000")))


@pytest.mark.parametrize(("kind", "param", "element", "url"), BY_SET)
async def test_in_and_not_in_part_what_is_there(
    facade: Facade, kind: str, param: str, element: str, url: str
) -> None:
    everything = {f"{kind}/{r['id']}" for r in await facade.all(kind)}
    inside = await expected(facade, kind, element, url)
    assert await searched(facade, f"{kind}?{param}:in={quote(url)}") == inside
    assert await searched(facade, f"{kind}?{param}:not-in={quote(url)}") == everything - inside


async def test_the_value_set_may_be_named_by_its_id(embedded: Facade) -> None:
    by_url = await searched(embedded, f"Patient?gender:in={VS}administrative-gender")
    assert by_url == await searched(embedded, "Patient?gender:in=ValueSet/administrative-gender")
    assert by_url


async def test_below_finds_the_kinds_of_a_code_and_above_what_it_is_a_kind_of(embedded: Facade) -> None:
    visits = await searched(embedded, f"Encounter?class={ACT}|IMP,{ACT}|ACUTE,{ACT}|NONAC")
    assert visits
    assert await searched(embedded, f"Encounter?class:below={ACT}|IMP") == visits
    assert await searched(embedded, f"Encounter?class:above={ACT}|ACUTE") == visits
    whole = await searched(embedded, f"Encounter?class:below={ACT}|_ActEncounterCode")
    assert visits < whole


async def test_a_chain_may_end_in_a_value_set(embedded: Facade) -> None:
    by_set = await searched(
        embedded, f"Observation?subject:Patient.gender:in={VS}administrative-gender&_total=none"
    )
    assert by_set


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        (f"Observation?code:in={VS}no-such-set", "not-found", "no such value set"),
        (f"Condition?code:in={VS}condition-code", "not-supported", "not all codes are here"),
        (f"Observation?code:in={VS}v3-no|1", "not-found", "no such value set"),
        ("Observation?code:below=http://loinc.org|718-7", "not-supported", "no hierarchy"),
        (f"Encounter?class:below={ACT}|nothing", "not-found", "no such code"),
        ("Encounter?class:below=IMP", "invalid", "expected system|code"),
        (f"Observation?date:in={VS}observation-status", "not-supported", "modifier"),
    ],
)
async def test_what_can_not_be_searched_by_is_refused_with_its_reason(
    embedded: Facade, path: str, code: str, words: str
) -> None:
    response = await embedded.get(path)
    [issue] = response.json()["issue"]
    assert (response.status_code, issue["code"]) == (400, code), issue
    assert words in issue["diagnostics"]
    name = path.partition("?")[2].partition("=")[0]
    assert issue["expression"] == [f"http.{name}"]


async def test_a_set_of_too_many_codes_is_too_costly(embedded: Facade) -> None:
    large = max(standing().every("ValueSet"), key=lambda one: _size(one["url"]))
    assert _size(large["url"]) > MOST
    response = await embedded.get(f"Observation?code:in={quote(large['url'])}")
    assert (response.status_code, response.json()["issue"][0]["code"]) == (400, "too-costly")


async def test_as_many_codes_as_may_be_are_found_by(facade: Facade) -> None:
    fitting = [one["url"] for one in standing().every("ValueSet") if 300 < _size(one["url"]) <= MOST]
    assert fitting
    for url in sorted(fitting, key=_size)[-2:]:
        for path in (f"Observation?code:in={quote(url)}", f"Encounter?class:in={quote(url)}"):
            await facade.bundle(f"{path}&_summary=count")


def _size(url: str) -> int:
    return len(definitions.valueset_codes(url) or ())
