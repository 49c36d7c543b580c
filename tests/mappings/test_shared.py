"""Objects that many resources share are written, told and copied as if each resource had its own."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from mappers.narrative import text_of
from mappers.shared import Shared, shared, written
from mappers.value import REMEMBERED, Remembering

UNIT = {"value": Decimal("5.40"), "unit": "mg/dL"}
RESOURCE = {"code": {"text": "포도당"}, "valueQuantity": UNIT, "interpretation": [{"text": "High"}]}


def shared_of(resource: dict[str, Any]) -> dict[str, Any]:
    return {name: shared(value) for name, value in resource.items()}


@pytest.mark.parametrize("pretty", [False, True])
def test_shared_objects_are_written_as_any_others_each_time(pretty: bool) -> None:
    resource = shared_of(RESOURCE)
    assert type(resource["valueQuantity"]) is type(resource["interpretation"][0]) is Shared
    once, again = written(resource, pretty=pretty), written(resource, pretty=pretty)
    assert once == again == written(RESOURCE, pretty=pretty)
    assert b"5.40" in once
    assert (b"\n  " in once) is pretty


def test_a_number_outside_of_shared_objects_keeps_its_digits_too() -> None:
    resource = {**shared_of(RESOURCE), "multipleBirthInteger": Decimal("1.0"), "bad": Decimal("NaN")}
    assert json.loads(written(resource), parse_float=str)["multipleBirthInteger"] == "1.0"
    assert json.loads(written(resource))["bad"] is None
    with pytest.raises(TypeError):
        written({"code": shared({"text": "\ud800"})})


def test_shared_objects_are_told_as_any_others() -> None:
    for value in RESOURCE.values():
        assert text_of(shared(value)) == text_of(value) != ""


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda one: one | {}, lambda one: {**one}])
def test_a_copy_of_a_shared_object_can_be_changed(copied: Callable[[Any], dict[str, Any]]) -> None:
    one = shared(UNIT)
    before = written({"valueQuantity": one})
    changed = copied(one)
    changed["unit"] = "g/L"
    assert json.loads(written({"valueQuantity": changed}))["valueQuantity"]["unit"] == "g/L"
    assert written({"valueQuantity": one}) == before


def test_what_comes_twice_is_kept_and_shared_from_then_on() -> None:
    made = list[str]()

    def make(row: Sequence[Any]) -> dict[str, Any]:
        made.append(row[0])
        return {"text": row[0]}

    read = Remembering(make, [0])
    first, second, third, other = (read([text, text]) for text in ("one", "one", "one", "two"))
    assert first == second == third == {"text": "one"}
    assert (type(first), type(second), type(other)) == (dict, Shared, dict)
    assert third is second
    assert made == ["one", "one", "two"]


def test_no_more_is_kept_than_may_be() -> None:
    read = Remembering(lambda row: {"text": row[0]}, [0])
    for _ in range(3):
        for number in range(2 * REMEMBERED):
            read([number // 2])
    assert 0 < len(read.known) <= REMEMBERED
