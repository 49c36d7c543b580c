"""Scopes as SMART App Launch writes them; whatever else is written opens nothing."""

from __future__ import annotations

import pytest

from smart_auth.access.scopes import scope

READ = {
    "patient/Observation.rs": ("patient", "Observation", "rs", ""),
    "user/*.cruds": ("user", "*", "cruds", ""),
    "system/Patient.r": ("system", "Patient", "r", ""),
    "patient/*.read": ("patient", "*", "rs", ""),
    "user/Encounter.write": ("user", "Encounter", "cud", ""),
    "user/*.*": ("user", "*", "cruds", ""),
    "patient/Observation.rs?category=http://x|y&code=a": (
        "patient",
        "Observation",
        "rs",
        "category=http://x|y&code=a",
    ),
}
ODD = (
    "patient/Observation.dus",
    "patient/Observation.sr",
    "patient/Observation.",
    "patient/Observation.x",
    "patient/observation.rs",
    "patient/Nothing.rs",
    "patient/.rs",
    "Patient/Observation.rs",
    "practitioner/Observation.rs",
    "patient/Observation.rs?",
    "patient/Observation.read?code=a",
    'patient/Observation.rs?code="a',
    "user/Patient.rs?_has:Condition:patient:code=I10",
    "user/Patient.rs?%5fhas:Condition:patient:code=I10",
    "user/Observation.rs?status=final&encounter.diagnosis.code=I10",
    "user/Observation.rs?patient%2Ename=a",
    "patient/Observation.rs\n",
    " patient/Observation.rs",
    "patient/*.r*",
    "patient/Observation.rrs",
    "openid",
    "",
)


@pytest.mark.parametrize("text", READ)
def test_a_scope_is_read_as_it_is_written(text: str) -> None:
    found = scope(text)
    assert found is not None
    level, resource_type, permissions, query = READ[text]
    assert (found.text, found.level, found.resource_type) == (text, level, resource_type)
    assert (found.permissions, found.query) == (frozenset(permissions), query)


@pytest.mark.parametrize("text", ODD)
def test_an_odd_scope_opens_nothing(text: str) -> None:
    assert scope(text) is None
