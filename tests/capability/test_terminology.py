"""What /metadata?mode=terminology claims is called."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.facade.facade import Facade

SET = "http://hl7.org/fhir/ValueSet/observation-status"


async def claimed(facade: Facade) -> dict[str, Any]:
    found: dict[str, Any] = (await facade.get("metadata?mode=terminology")).json()
    return found


async def test_every_code_system_that_is_claimed_is_here(embedded: Facade) -> None:
    systems = (await claimed(embedded))["codeSystem"]
    assert len(systems) > 1000
    assert len({one["uri"] for one in systems}) == len(systems)
    for one in systems[:: len(systems) // 25]:
        bundle = await embedded.bundle(f"CodeSystem?url={quote(one['uri'])}&_elements=url,version")
        versions = {e["resource"].get("version") for e in bundle["entry"]}
        assert {v["code"] for v in one.get("version", [])} == versions - {None}, one


async def test_kinds_are_claimed_of_systems_that_have_them_alone(embedded: Facade) -> None:
    by_uri = {one["uri"]: one for one in (await claimed(embedded))["codeSystem"]}
    assert by_uri["http://terminology.hl7.org/CodeSystem/v3-ActCode"]["subsumption"] is True
    assert by_uri["http://loinc.org"]["subsumption"] is False


async def test_every_parameter_of_an_expansion_that_is_claimed_is_taken(embedded: Facade) -> None:
    examples = {"url": SET, "filter": "final", "offset": "0", "count": "5", "displayLanguage": "ko"}
    for parameter in (await claimed(embedded))["expansion"]["parameter"]:
        name = parameter["name"]
        if name != "valueSet":
            value = examples.get(name, "4.0.1" if name == "valueSetVersion" else "true")
            asked = "" if name == "url" else f"&{name}={value}"
            response = await embedded.get(f"ValueSet/$expand?url={SET}{asked}")
            assert response.status_code == 200, name


async def test_all_codes_are_searched_without_naming_a_map(embedded: Facade) -> None:
    told = await claimed(embedded)
    assert told["codeSearch"] == "all"
    assert told["translation"] == {"needsMap": False}
    word = "system=http://neuronova.example/fhir/CodeSystem/route&code=PO"
    response = await embedded.get(f"ConceptMap/$translate?{word}")
    assert {"name": "result", "valueBoolean": True} in response.json()["parameter"]
