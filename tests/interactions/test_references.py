"""Searches by what stands in references beside a local address, and by what type an identifier is of."""

from __future__ import annotations

from tests.http.outcomes import refused
from tests.interactions.client import FIRST, Client, Resource, goal
from tests.interactions.test_meta import found

THERE = "https://elsewhere.example/fhir/Patient/5"
MRN = {"system": "urn:mrn", "value": "A-1"}
V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"


async def subjects(client: Client, *subjects: Resource) -> list[str]:
    """Goals of these subjects."""
    return [f"Goal/{(await client.made(goal(subject=s)))['id']}" for s in subjects]


async def test_references_to_other_servers_are_found_by_their_address(client: Client) -> None:
    theirs, _ = await subjects(client, {"reference": THERE}, {"reference": FIRST})
    assert await found(client, f"Goal?subject={THERE}") == [theirs]
    assert await found(client, f"Goal?patient={THERE}") == [theirs]
    assert await found(client, f"Goal?subject:Patient={THERE}") == [theirs]
    assert await found(client, f"Goal?subject={THERE}0") == []
    assert await found(client, "Goal?subject=Patient/5") == []
    assert await found(client, "Goal?subject:missing=true") == []
    assert await found(client, f"Goal?subject={THERE},{FIRST}&_summary=true") != [theirs]
    assert await found(client, f"Observation?subject={THERE}") == []


async def test_references_are_found_by_the_identifier_in_them(client: Client) -> None:
    named, both, _ = await subjects(
        client,
        {"type": "Patient", "identifier": MRN},
        {"reference": FIRST, "identifier": MRN},
        {"reference": FIRST},
    )
    assert await found(client, "Goal?subject:identifier=urn:mrn|A-1") == [named, both]
    assert await found(client, "Goal?subject:identifier=A-1") == [named, both]
    assert await found(client, "Goal?patient:identifier=A-1") == [named, both]
    assert await found(client, "Goal?subject:identifier=urn:other|A-1") == []
    assert await found(client, f"Goal?subject={FIRST}&subject:identifier=A-1") == [both]
    assert await found(client, "Goal?subject:identifier=P-2025-000001") == []
    assert await found(client, "Observation?subject:identifier=A-1") == []
    refused(await client.get("Goal?subject:identifier=a|b|c"), 400, "invalid")
    refused(await client.get("Goal?subject:nonsense=A-1"), 400, "not-supported")


async def test_identifiers_are_found_by_their_type(client: Client) -> None:
    kinds = {"coding": [{"system": V2, "code": "MD"}, {"system": "urn:k", "code": "lic"}]}
    one = {"resourceType": "Organization", "name": "A", "identifier": [{**MRN, "type": kinds}]}
    made = f"Organization/{(await client.made(one))['id']}"
    await client.made({**one, "identifier": [MRN]})
    assert await found(client, f"Organization?identifier:of-type={V2}|MD|A-1") == [made]
    assert await found(client, "Organization?identifier:of-type=urn:k|lic|A-1") == [made]
    for other in (f"{V2}|XX|A-1", f"{V2}|MD|A-2", "urn:k|MD|A-1"):
        assert await found(client, f"Organization?identifier:of-type={other}") == []
    assert len(await found(client, "Organization?identifier=urn:mrn|A-1")) == 2
