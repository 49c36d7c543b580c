"""Rows of the CDSS over HTTP: written by clients and by others, in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.facade.facade import Facade, embedded_folder, execute, settings_of, writer
from tests.http.outcomes import refused
from tests.interactions.client import FIRST, Client, entry, told

A = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
PHONE = [{"system": "phone", "value": "010-9999-0000", "use": "mobile"}]


@pytest_asyncio.fixture
async def own(tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a facade with rows of its own."""
    facade = Facade(settings_of(embedded_folder(tmp_path)))
    yield Client(facade)
    await facade.close()


async def test_a_version_that_others_made_meanwhile_is_not_written_over(own: Client) -> None:
    read = await own.get(FIRST)
    execute(
        writer(own.facade), "UPDATE emr_patientcache SET phone = '02-1' WHERE patient_id = 'P-2025-000001'"
    )
    changed = {**told(read), "telecom": PHONE}
    refused(await own.put(FIRST, changed, if_match=read.headers["etag"]), 412, "conflict")
    now = await own.get(FIRST)
    assert now.headers["etag"] != read.headers["etag"]
    assert (await own.put(FIRST, changed, if_match=now.headers["etag"])).status_code == 200
    versions = (await own.get(f"{FIRST}/_history")).json()
    assert [e["response"]["etag"] for e in versions["entry"]][1:] == [now.headers["etag"]]
    tag = now.headers["etag"].removeprefix('W/"').removesuffix('"')
    assert told(await own.get(f"{FIRST}/_history/{tag}")) == told(now)


async def test_a_row_is_created_beside_what_names_it(own: Client) -> None:
    patient = {"resourceType": "Patient", "name": [{"family": "새", "given": ["환자"]}], "gender": "female"}
    allergy = {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                    "code": "active",
                }
            ]
        },
        "code": {"text": "penicillin"},
        "patient": {"reference": A},
    }
    born = {**patient, "birthDate": "1990-01-01"}
    response = await own.bundle(
        "transaction", entry("POST", "AllergyIntolerance", allergy), entry("POST", "Patient", born, A)
    )
    assert response.status_code == 200, response.text
    places = [e["response"]["location"].partition("/_history")[0] for e in response.json()["entry"]]
    assert (await own.get(places[0])).json()["patient"]["reference"] == places[1]
    assert (await own.get(f"AllergyIntolerance?patient={places[1]}")).json()["total"] == 1


async def test_a_row_that_cant_be_retired_says_so(own: Client) -> None:
    [found] = (await own.facade.bundle("Condition?_count=1"))["entry"]
    path = f"Condition/{found['resource']['id']}"
    response = await own.delete(path)
    refused(response, 405, "not-supported")
    assert response.headers["allow"] == "GET, HEAD, PUT, PATCH, OPTIONS"
    assert (await own.get(path)).json() == found["resource"]
