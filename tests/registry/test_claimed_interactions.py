"""Every interaction that /metadata claims of a type is called, and what it doesn't claim is refused."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_facade.registry import everything
from tests.facade.facade import Facade
from tests.http.outcomes import refused
from tests.interactions.client import Client

TYPES = list(everything())
NOBODY = "_id=n-999999"


async def claimed(facade: Facade, resource_type: str) -> dict[str, Any]:
    """What /metadata says of a type."""
    rest = (await facade.get("metadata")).json()["rest"][0]
    found: dict[str, Any] = next(r for r in rest["resource"] if r["type"] == resource_type)
    return found


def codes(claim: dict[str, Any]) -> set[str]:
    return {one["code"] for one in claim["interaction"]}


@pytest.mark.parametrize("resource_type", TYPES)
async def test_versions_are_read_as_claimed(embedded: Facade, resource_type: str) -> None:
    claim = await claimed(embedded, resource_type)
    assert {"read", "vread", "history-instance", "search-type"} <= codes(claim)
    assert claim["readHistory"] is True
    bundle = await embedded.bundle(f"{resource_type}?_count=1")
    for entry in bundle.get("entry", []):
        found = entry["resource"]
        path = f"{resource_type}/{found['id']}/_history"
        assert (await embedded.get(f"{path}/{found['meta']['versionId']}")).json() == found
        assert (await embedded.bundle(path))["entry"][0]["resource"] == found
    assert (await embedded.bundle(f"{resource_type}/_history?_count=1"))["type"] == "history"


@pytest.mark.parametrize("resource_type", TYPES)
async def test_what_is_claimed_of_writes_is_done_and_nothing_else(
    embedded: Facade, resource_type: str
) -> None:
    claim, client = await claimed(embedded, resource_type), Client(embedded)
    bad = {"resourceType": resource_type, "nonsense": 1}
    answers = {
        "create": await client.post(resource_type, bad),
        "update": await client.put(f"{resource_type}?{NOBODY}", bad),
        "patch": await client.patch(f"{resource_type}?{NOBODY}", []),
        "delete": await client.delete(f"{resource_type}?{NOBODY}"),
    }
    expected = {"create": 422, "update": 422, "patch": 404, "delete": 204}
    for code, answer in answers.items():
        if code in codes(claim):
            assert answer.status_code == expected[code], (code, answer.text)
        elif code != "delete" or "create" not in codes(claim):
            refused(answer, 405, "not-supported")
            assert answer.headers["allow"]
    written = "create" in codes(claim)
    assert (claim["conditionalCreate"], claim["conditionalUpdate"]) == (written, written)
    assert claim["versioning"] == ("versioned-update" if written else "versioned")
    assert claim["updateCreate"] is False


async def test_what_is_claimed_of_the_system_is_done(embedded: Facade) -> None:
    statement = (await embedded.get("metadata")).json()
    assert {i["code"] for i in statement["rest"][0]["interaction"]} == {
        "transaction",
        "batch",
        "search-system",
        "history-system",
    }
    for kind in ("batch", "transaction"):
        assert (await Client(embedded).bundle(kind)).json()["type"] == f"{kind}-response"
    assert (await embedded.bundle("_history"))["type"] == "history"
    made = Client(embedded)
    for media in statement["patchFormat"]:
        answer = await made.patch("Basic/n-999999", "", content_type=media)
        assert answer.status_code != 415, media
