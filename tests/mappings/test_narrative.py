"""What a narrative says of a value, by its data type."""

from __future__ import annotations

import pytest

from mappers.narrative import text_of
from terminology import definitions

DATA_TYPES = [name for name in definitions.type_names() if definitions.kind(name) == "complex-type"]


@pytest.mark.parametrize("name", DATA_TYPES)
def test_no_data_type_has_words_of_its_own_beside_a_value(name: str) -> None:
    """So that `text_of` may look for the value first."""
    children = {path.removeprefix(f"{name}.") for path in definitions.elements(name)}
    assert children
    assert not ("value" in children and children & {"text", "display", "title"})


def test_the_definitions_tell_values_and_words() -> None:
    assert {"Quantity.value", "Identifier.value"} <= {
        path for name in DATA_TYPES for path in definitions.elements(name)
    }
    assert "CodeableConcept.text" in definitions.elements("CodeableConcept")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"value": 5, "comparator": "<", "unit": "mg/dL"}, "<5 mg/dL"),
        ({"value": 0}, "0"),
        ({"text": "Glucose", "coding": [{"display": "other"}]}, "Glucose"),
        ({"coding": [{"code": "2345-7", "display": "Glucose"}]}, "Glucose"),
        ({"start": "2026-01-02T03:04:05+09:00"}, "2026-01-02 03:04 – "),
        ([{"display": "A"}, {"reference": "Patient/1"}], "A, Patient/1"),
        (True, "yes"),
    ],
)
def test_a_value_is_told_in_words(value: object, told: str) -> None:
    assert text_of(value) == told
