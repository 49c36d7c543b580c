"""Nothing that is sent breaks validation, or keeps it busy for long."""

from __future__ import annotations

import copy
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.validation import Issue, references, validate
from mappers.validation.shapes import shape_of
from tests.validation.sample import examples

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals()
    | st.text(max_size=20)
    | st.sampled_from(["Patient", "#", "#a", "Patient/1", "2023-02-30", "final", "http://loinc.org"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
TYPES = ("Patient", "Observation", "Bundle", "Parameters", "Questionnaire", "CareTeam", "Task", "CodeSystem")


def _names(name: str) -> list[str]:
    return ["resourceType", *shape_of(name).children, *(f"_{one}" for one in shape_of(name).children)]


RESOURCES = st.sampled_from(TYPES).flatmap(
    lambda name: st.dictionaries(st.sampled_from(_names(name)), JSON, max_size=8).map(
        lambda found: {**found, "resourceType": name}
    )
)
EXAMPLES = list(examples())


@settings(max_examples=300, deadline=None)
@given(JSON | RESOURCES)
def test_no_json_raises(value: Any) -> None:
    assert all(isinstance(issue, Issue) for issue in validate(value))
    if isinstance(value, dict):
        assert all(isinstance(one.reference, dict) for one in references(value))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(EXAMPLES), st.data())
def test_no_change_of_a_real_resource_raises(resource: dict[str, Any], data: st.DataObject) -> None:
    changed = copy.deepcopy(resource)
    holder, name = data.draw(st.sampled_from(list(_places(changed))))
    holder[name] = data.draw(JSON)
    assert isinstance(validate(changed), list)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where something stands in a resource, at any depth: what holds it, and by which name or number."""
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, name
        if isinstance(inner, dict | list):
            yield from _places(inner)


@pytest.mark.parametrize("odd", [{"reference": "x"}, ["recurrence"], 1, True])
@pytest.mark.parametrize("name", ["system", "code"])
def test_a_coding_whose_parts_are_no_texts_is_named(name: str, odd: Any) -> None:
    """Also where the code must be of a value set."""
    coding = {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}
    subject = {"reference": "Patient/1"}
    sent = {"resourceType": "Condition", "subject": subject, "clinicalStatus": {"coding": [coding]}}
    assert validate(sent) == []
    found = validate({**sent, "clinicalStatus": {"coding": [{**coding, name: odd}]}})
    assert f"Condition.clinicalStatus.coding[0].{name}" in {issue.expression for issue in found}


def _nested(depth: int) -> dict[str, Any]:
    extension: dict[str, Any] = {"url": "urn:x", "valueString": "x"}
    for _ in range(depth):
        extension = {"url": "urn:x", "extension": [extension]}
    return {"resourceType": "Patient", "extension": [extension]}


def test_nesting_up_to_the_limit_is_valid() -> None:
    assert validate(_nested(48)) == []


@pytest.mark.parametrize("depth", [100, 1_000, 100_000])
def test_nesting_without_end_is_refused(depth: int) -> None:
    (issue,) = validate(_nested(depth))
    assert (issue.severity, issue.code) == ("fatal", "too-costly")


def test_lists_in_lists_without_end_are_refused() -> None:
    value: Any = []
    for _ in range(10_000):
        value = [value]
    (issue,) = validate({"resourceType": "Patient", "name": value})
    assert issue.code == "too-costly"


NAME = {"text": "x", "period": {"start": "2023-01-01", "end": "2024"}}
MANY: dict[str, dict[str, Any]] = {
    "names": {"resourceType": "Patient", "name": [NAME] * 50_000},
    "given names": {"resourceType": "Patient", "name": [{"given": ["x"] * 100_000}]},
    "unknown elements": {"resourceType": "Patient", **{f"x{n}": 1 for n in range(100_000)}},
    "contained": {
        "resourceType": "Patient",
        "contained": [{"resourceType": "Patient", "id": str(n)} for n in range(20_000)],
    },
    "codes": {
        "resourceType": "CodeSystem",
        "status": "draft",
        "content": "complete",
        "concept": [{"code": str(n)} for n in range(50_000)],
    },
    "entries": {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": "Patient"}}] * 50_000,
    },
    "a huge string": {"resourceType": "Patient", "name": [{"text": "x" * 10_000_000}]},
    "huge base64": {
        "resourceType": "Binary",
        "contentType": "application/pdf",
        "data": "A" * 10_000_000 + " ",
    },
    "a huge code of blanks": {"resourceType": "Patient", "gender": "a " * 500_000},
    "a huge address": {
        "resourceType": "Patient",
        "managingOrganization": {"reference": "http://a/" + "A/" * 500_000},
    },
    "a huge narrative": {
        "resourceType": "Patient",
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml">' + "<p>x</p>" * 200_000 + "</div>",
        },
    },
    "a deep narrative": {
        "resourceType": "Patient",
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">' * 100_000},
    },
}


@pytest.mark.parametrize("name", MANY)
def test_much_takes_seconds_at_most(name: str) -> None:
    validate({"resourceType": "Patient", "name": [NAME]})  # the definitions are loaded once
    start = time.process_time()
    validate(MANY[name])
    assert time.process_time() - start < 10


def test_too_many_rules_to_ask_are_refused_and_said_once() -> None:
    many = [{"repeat": {"duration": Decimal(n), "durationUnit": "h"}} for n in range(30_000)]
    issues = validate({"resourceType": "Schedule", "actor": [{"display": "x"}], "extension": [
        {"url": "urn:x", "valueTiming": one} for one in many
    ]})  # fmt: skip
    assert [(issue.severity, issue.code) for issue in issues] == [("error", "too-costly")]


def test_threads_that_start_together_say_the_same() -> None:
    code = (
        "import sys; from concurrent.futures import ThreadPoolExecutor as Pool; "
        "from mappers.validation import validate; from tests.validation.sample import examples; "
        "sys.setswitchinterval(1e-5); many = [one | {'status': 5} for one in examples()]; "
        "together = list(Pool(8).map(validate, many)); "
        "print(len(many), together == [validate(one) for one in many])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == [str(len(EXAMPLES)), "True"]
