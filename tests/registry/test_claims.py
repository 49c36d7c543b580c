"""Every claim of /metadata is called, and everything declared is claimed."""

from typing import Any
from urllib.parse import quote

import pytest

from fhir_facade.registry import MAPPINGS
from tests.facade.facade import Facade, ids

#: parameters that only awkward rows, or the trail of a facade in use, have a value of; and those of values
#: that are known by text alone, so that only `:missing` and `:text` find them
ONLY_AWKWARD = {
    ("AuditEvent", "policy"),
    ("ImagingStudy", "performer"),
    ("ImagingStudy", "reason"),
    ("Immunization", "reason-code"),
    ("Observation", "component-data-absent-reason"),
}
TYPES = [m.resource_type for m in MAPPINGS]
EXAMPLES = [(m.resource_type, p.name, p.example) for m in MAPPINGS for p in m.search_params]


async def claims(facade: Facade, resource_type: str) -> dict[str, Any]:
    """What /metadata says of a type."""
    rest = (await facade.get("metadata")).json()["rest"][0]
    found: dict[str, Any] = next(r for r in rest["resource"] if r["type"] == resource_type)
    return found


@pytest.mark.parametrize(("resource_type", "name", "example"), EXAMPLES)
async def test_a_parameter_finds_something_with_its_example(
    embedded: Facade, resource_type: str, name: str, example: str
) -> None:
    claimed = {p["name"] for p in (await claims(embedded, resource_type))["searchParam"]}
    assert name in claimed
    assert example or (resource_type, name) in ONLY_AWKWARD, "a parameter without an example"
    asked = f"{name}={quote(example)}" if example else f"{name}:missing=false"
    response = await embedded.post(f"{resource_type}/_search", asked)
    assert response.status_code == 200, response.text[:300]
    assert ids(response.json())


@pytest.mark.parametrize("resource_type", TYPES)
async def test_every_claimed_include_is_followed(embedded: Facade, resource_type: str) -> None:
    claim = await claims(embedded, resource_type)
    for name in ("searchInclude", "searchRevInclude"):
        for value in claim.get(name, []):
            response = await embedded.get(f"{resource_type}?_count=20&_{name[6:].lower()}={value}")
            assert response.status_code == 200, f"{value}: {response.text[:300]}"


@pytest.mark.parametrize("resource_type", TYPES)
async def test_every_claimed_parameter_is_understood(embedded: Facade, resource_type: str) -> None:
    for param in (await claims(embedded, resource_type))["searchParam"]:
        if param["type"] not in ("composite", "special") and param["name"] != "_id":
            await embedded.bundle(f"{resource_type}?{param['name']}:missing=true&_count=1")


async def test_every_claimed_compartment_is_there(embedded: Facade) -> None:
    rest = (await embedded.get("metadata")).json()["rest"][0]
    for url in rest["compartment"]:
        code = next(t for t in embedded.service.mappings if t.lower() == url.rpartition("/")[2])
        found = await embedded.all(code)
        one = found[0]["id"] if found else "n-1"  # what nobody has written yet
        answer = await embedded.get(f"{code}/{one}/*?_count=1")
        assert answer.status_code == (200 if found else 404), code
