"""JSON Patch on resources. https://www.rfc-editor.org/rfc/rfc6902"""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest

from fhir_facade.outcome import FhirFault
from fhir_facade.patching.json_patch import patched

BEFORE: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "meta": {"versionId": "1", "lastUpdated": "2024-01-01T00:00:00Z"},
    "valueQuantity": {"value": Decimal("5.40"), "unit": "mmol/L"},
    "note": [{"text": "one"}, {"text": "two"}],
    "issued": "2024-01-01T00:00:00Z",
    "bodySite": {"coding": [{"userSelected": True, "a/b": 1, "m~n": 2}]},
}


def test_operations_work_on_what_those_before_them_left() -> None:
    before = copy.deepcopy(BEFORE)
    found = patched(
        before,
        [
            {"op": "test", "path": "/valueQuantity/value", "value": Decimal("5.4")},
            {"op": "add", "path": "/note/-", "value": {"text": "three"}},
            {"op": "move", "from": "/note/2", "path": "/note/0"},
            {"op": "copy", "from": "/note/0/text", "path": "/valueQuantity/code"},
            {"op": "remove", "path": "/issued"},
            {"op": "replace", "path": "/bodySite/coding/0/a~1b", "value": 5},
            {"op": "add", "path": "/bodySite/coding/0/m~0n", "value": 6},
        ],
    )
    assert [n["text"] for n in found["note"]] == ["three", "one", "two"]
    assert str(found["valueQuantity"]) == "{'value': Decimal('5.40'), 'unit': 'mmol/L', 'code': 'three'}"
    assert "issued" not in found
    assert found["bodySite"]["coding"][0] == {"userSelected": True, "a/b": 5, "m~n": 6}
    assert before == BEFORE, "the resource that was given is left alone"


def test_what_is_left_empty_is_gone() -> None:
    operations = [{"op": "remove", "path": "/note/0"}, {"op": "remove", "path": "/note/0"}]
    assert "note" not in patched(BEFORE, operations)
    assert "bodySite" not in patched(BEFORE, [{"op": "remove", "path": "/bodySite/coding/0"}])


@pytest.mark.parametrize(
    ("operation", "status", "about"),
    [
        ({"op": "test", "path": "/issued", "value": "2024"}, 422, "Observation.issued"),
        (
            {"op": "test", "path": "/bodySite/coding/0/userSelected", "value": 1},
            422,
            "Observation.bodySite.coding[0].userSelected",
        ),
        ({"op": "test", "path": "/nothing", "value": None}, 422, "Observation.nothing"),
        ({"op": "replace", "path": "/note/2/text", "value": "x"}, 422, "Observation.note[2].text"),
        ({"op": "remove", "path": "/note/01"}, 422, "Observation.note[01]"),
        ({"op": "remove", "path": ""}, 422, "Observation"),
        ({"op": "add", "path": "/note/9", "value": {}}, 422, "Observation.note[9]"),
        ({"op": "move", "from": "/nowhere", "path": "/note/0"}, 422, "Observation.note[0]"),
        ({"op": "move", "from": "/note", "path": "/note/0"}, 422, "Observation.note[0]"),
        ({"op": "replace", "path": "/id", "value": "other"}, 422, "Observation.id"),
        ({"op": "remove", "path": "/id"}, 422, "Observation.id"),
        ({"op": "replace", "path": "/resourceType", "value": "Patient"}, 422, "Observation.resourceType"),
        ({"op": "replace", "path": "/meta/versionId", "value": "9"}, 422, "Observation.meta.versionId"),
        ({"op": "replace", "path": "", "value": 3}, 422, "Observation"),
        ({"op": "add", "path": "/note/0"}, 400, "Observation.note[0]"),
        ({"op": "add", "value": 1}, 400, "Observation"),
        ({"op": "append", "path": "/issued", "value": "x"}, 400, "Observation.issued"),
        ({"op": "remove", "path": "note/0"}, 400, "Observation"),
        ({"op": "remove", "path": "/note/~2"}, 400, "Observation"),
        ({"op": "remove", "path": 7}, 400, "Observation"),
        ({"op": "move", "path": "/note/0"}, 400, "Observation.note[0]"),
        ({"op": ["add"], "path": "/note/0"}, 400, "Observation.note[0]"),
    ],
)
def test_an_operation_that_cant_be_done_is_named(operation: Any, status: int, about: str) -> None:
    with pytest.raises(FhirFault) as raised:
        patched(BEFORE, [{"op": "test", "path": "/id", "value": "o"}, operation])
    assert (raised.value.status, raised.value.expression) == (status, (about,))
    assert (
        "operation 1" in raised.value.diagnostics
        or "patch" in raised.value.diagnostics
        or "meta" in (raised.value.diagnostics)
    )


@pytest.mark.parametrize("body", [{}, None, "[]", [1], [[]]])
def test_what_is_no_array_of_operations_is_refused(body: Any) -> None:
    with pytest.raises(FhirFault) as raised:
        patched(BEFORE, body)
    assert (raised.value.status, raised.value.code) == (400, "structure")


def test_a_patch_has_a_limit() -> None:
    with pytest.raises(FhirFault) as raised:
        patched(BEFORE, [{"op": "test", "path": "/id", "value": "o"}] * 501)
    assert raised.value.status == 413


def test_copies_of_copies_fill_no_memory() -> None:
    doubling = [{"op": "copy", "from": "/note", "path": "/note/-"}]
    assert len(patched(BEFORE, doubling * 3)["note"]) == 5
    with pytest.raises(FhirFault) as fault:
        patched(BEFORE, doubling * 60)
    assert (fault.value.status, fault.value.code) == (413, "too-costly")
    long = {"op": "add", "path": "/issued", "value": "x" * 300_000}
    into = [{"op": "copy", "from": "/issued", "path": f"/note/{n}/text"} for n in (0, 1, 0, 1)]
    assert patched(BEFORE, [long, *into[:2]])
    with pytest.raises(FhirFault):
        patched(BEFORE, [long, *into])


@pytest.mark.parametrize(("op", "times"), [("copy", 12), ("move", 300)])
def test_a_patch_nests_no_deeper_than_what_may_be_sent(op: str, times: int) -> None:
    """A resource that is nested too deep could be kept, and no page that it is on could be written."""
    nesting: list[Any] = []
    for number in range(times):
        if op == "copy":
            nesting.append({"op": "copy", "from": "/bodySite", "path": "/bodySite" + "/x" * 2**number})
        else:
            nesting.append({"op": "move", "from": "/bodySite", "path": "/valueQuantity/x"})
            nesting.append({"op": "move", "from": "/valueQuantity", "path": "/bodySite"})
            nesting.append({"op": "add", "path": "/valueQuantity", "value": {"y": 1}})
    with pytest.raises(FhirFault) as fault:
        patched(BEFORE, nesting[:450])
    assert (fault.value.status, fault.value.code) == (400, "too-long")
