"""What an export can't be asked for is refused before it begins, or told to who is lenient."""

from __future__ import annotations

from typing import Any

import pytest

from tests.export.client import ASYNC, FIRST, exported, posted
from tests.facade.facade import Facade


@pytest.mark.parametrize(
    ("path", "expression"),
    [
        ("$export?_outputFormat=text/csv", "http._outputFormat"),
        ("$export?_since=yesterday", "http._since"),
        ("$export?_since=2025-13-41T00:00:00Z", "http._since"),
        ("$export?_type=Patient,Nonsense", "http._type"),
        ("$export?_type=Slot", "http._type"),
        ("Patient/$export?_type=Practitioner", "http._type"),
        ("$export?_typeFilter=Nonsense?x=y", "http._typeFilter"),
        ("$export?_typeFilter=Observation", "http._typeFilter"),
        ("$export?_typeFilter=Observation?nonsense=1", "http._typeFilter"),
        ("$export?_typeFilter=Observation?date=sometime", "http._typeFilter"),
        ("$export?_typeFilter=Observation?_count=5", "http._typeFilter"),
        ("$export?_type=Patient&_typeFilter=Observation?status=final", "http._typeFilter"),
        ("$export?_elements=nonsense", "http._elements"),
        ("$export?_elements=Patient.nonsense", "http._elements"),
        ("$export?includeAssociatedData=LatestProvenanceResources", "http.includeAssociatedData"),
        ("$export?_until=2025-01-01T00:00:00Z", "http._until"),
        ("$export?organizeOutputBy=Patient", "http.organizeOutputBy"),
        ("$export?nonsense=1", "http.nonsense"),
        (f"Patient/$export?patient=Patient/{FIRST}", "http.patient"),
    ],
)
async def test_what_is_not_supported_is_refused(embedded: Facade, path: str, expression: str) -> None:
    answer = await embedded.get(path, **ASYNC)
    assert answer.status_code == 400, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.json()["issue"][0]["expression"] == [expression]
    assert "content-location" not in answer.headers


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("Patient/$export", [{"name": "patient", "valueReference": {"reference": "Patient/nobody"}}]),
        ("Patient/$export", [{"name": "patient", "valueReference": {"reference": "Group/x/y"}}]),
        ("$export", [{"name": "patient", "valueReference": {"reference": f"Patient/{FIRST}"}}]),
        ("$export", [{"name": "_type"}]),
        ("$export", [{"name": "_type", "valueInteger": 5}]),
        ("$export", [{"valueString": "Patient"}]),
        ("$export", ["Patient"]),
    ],
)
async def test_a_body_that_can_not_be_taken_is_refused(
    embedded: Facade, path: str, parameters: list[Any]
) -> None:
    answer = await posted(embedded, path, *parameters)
    assert answer.status_code == 400, answer.text
    assert answer.json()["issue"][0]["severity"] == "error"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"resourceType":"Patient"}', b'{"parameter":5}'])
async def test_a_body_that_is_no_parameters_is_refused(embedded: Facade, body: bytes) -> None:
    stated = {**ASYNC, "content-type": "application/fhir+json"}
    answer = await embedded.request("POST", "$export", stated, body)
    assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome")


async def test_who_does_not_ask_for_an_asynchronous_answer_gets_none(embedded: Facade) -> None:
    for prefer in ({}, {"prefer": "return=minimal"}, {"prefer": "handling=lenient"}):
        answer = await embedded.get("$export", **prefer)
        assert answer.status_code == 400
        assert answer.json()["issue"][0]["expression"] == ["http.Prefer"]
    assert (await embedded.get("$export", prefer="respond-async", accept="text/csv")).status_code == 406
    for method in ("PUT", "HEAD"):  # a HEAD would start it
        answer = await embedded.request(method, "$export", ASYNC)
        assert (answer.status_code, "GET" in answer.headers["allow"]) == (405, True)


async def test_who_is_lenient_is_told_what_was_left_out(embedded_exporting: Facade) -> None:
    path = "$export?_type=Endpoint,Nonsense&includeAssociatedData=LatestProvenanceResources&x=1"
    found = await exported(embedded_exporting, path, prefer="respond-async, handling=lenient")
    assert found.keys() == {"Endpoint", "OperationOutcome"}
    said = [e["issue"][0] for e in found["OperationOutcome"]]
    assert {i["expression"][0] for i in said} == {"http._type", "http.includeAssociatedData", "http.x"}
    assert {i["severity"] for i in said} == {"warning"}


async def test_a_lenient_client_still_gets_no_filter_that_can_not_be_understood(embedded: Facade) -> None:
    for path in ("$export?_since=yesterday", "$export?_typeFilter=Observation?nonsense=1"):
        answer = await embedded.get(path, prefer="respond-async,handling=lenient")
        assert answer.status_code == 400
