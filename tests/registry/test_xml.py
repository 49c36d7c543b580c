"""XML says what JSON says: of every resource of every type, decimals and extended primitives included."""

import json
from decimal import Decimal
from typing import Any

import pytest

from fhir_facade.content import dumps
from fhir_facade.registry import MAPPINGS
from fhir_facade.xml import to_xml
from tests.facade.facade import Facade
from tests.registry.xml_reading import plain, resource_of

TYPES = [m.resource_type for m in MAPPINGS]


def through_json(resource: dict[str, Any]) -> Any:
    return plain(json.loads(dumps(resource), parse_float=str, parse_int=str))


@pytest.mark.parametrize("resource_type", TYPES)
async def test_every_resource_is_the_same_in_xml(embedded: Facade, resource_type: str) -> None:
    resources = await embedded.all(resource_type)
    assert resources
    for resource in resources:
        assert resource_of(to_xml(resource)) == through_json(resource), resource["id"]


@pytest.mark.parametrize(
    "written", ["5.40", "0.0", "-0.10", "1000000000.123456789", "1E+2", "0.00000001", "7"]
)
def test_a_decimal_keeps_its_digits_in_both(written: str) -> None:
    resource = {
        "resourceType": "Observation",
        "id": "x",
        "status": "final",
        "code": {"text": "x"},
        "valueQuantity": {"value": Decimal(written)},
    }
    assert resource_of(to_xml(resource)) == through_json(resource)
    assert Decimal(through_json(resource)["valueQuantity"]["value"]) == Decimal(written)


def test_extended_primitives_are_the_same_in_both() -> None:
    reason = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    resource = {
        "resourceType": "Patient",
        "id": "x",
        "_birthDate": {"extension": [reason]},
        "name": [
            {
                "given": ["A", None, "C"],
                "_given": [None, {"extension": [reason]}, None],
                "family": "a \"<&>' 가",
            }
        ],
    }
    assert resource_of(to_xml(resource)) == through_json(resource)


async def test_the_capability_statement_is_the_same_in_both(embedded: Facade) -> None:
    stated = json.loads((await embedded.get("metadata")).content, parse_float=str, parse_int=str)
    response = await embedded.get("metadata", Accept="application/fhir+xml")
    assert resource_of(response.content) == plain(stated)


def test_an_element_that_the_standard_lacks_is_never_written() -> None:
    with pytest.raises(LookupError, match="colour"):
        to_xml({"resourceType": "Patient", "id": "x", "colour": "blue"})


def test_what_no_xml_may_hold_is_replaced() -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "a\x00b\ud800 \r\n\tc"}]}
    assert resource_of(to_xml(outcome))["issue"] == [{"diagnostics": "a\ufffdb\ufffd \r\n\tc"}]


async def test_pretty_xml_says_the_same(embedded: Facade) -> None:
    resource = (await embedded.all("Patient"))[0]
    assert resource_of(to_xml(resource, pretty=True)) == resource_of(to_xml(resource))
    assert to_xml(resource, pretty=True).count(b"\n") > 20


async def test_a_bundle_with_outcomes_is_the_same_in_both(embedded: Facade) -> None:
    asked = "Observation?_count=1000&_include=Observation:subject"
    bundle = json.loads((await embedded.get(asked)).content, parse_float=str, parse_int=str)
    response = await embedded.get(asked, Accept="application/fhir+xml")
    assert response.headers["content-type"] == "application/fhir+xml;charset=utf-8"
    found = resource_of(response.content)
    assert {e["search"]["mode"] for e in found["entry"]} == {"match", "include", "outcome"}
    assert found["entry"] == plain(bundle)["entry"]
