"""Whether codes are in value sets, without a server."""

from __future__ import annotations

import pytest

from terminology import systems
from terminology.membership import codes_of, holds

VS = "http://hl7.org/fhir/ValueSet/"


def test_the_codes_of_a_value_set_are_listed_with_their_systems() -> None:
    assert ("http://hl7.org/fhir/observation-status", "final") in (codes_of(f"{VS}observation-status") or ())


def test_the_version_of_a_value_set_does_not_matter() -> None:
    assert codes_of(f"{VS}observation-status|4.0.1") == codes_of(f"{VS}observation-status")


def test_what_can_not_be_listed_is_none_and_not_empty() -> None:
    assert codes_of(f"{VS}mimetypes") is None
    assert codes_of(f"{VS}no-such-set") is None


@pytest.mark.parametrize(
    ("value_set", "code", "verdict"),
    [
        ("mimetypes", "application/pdf", True),
        ("mimetypes", "text/plain; charset=UTF-8", True),
        ("mimetypes", "pdf", False),
        ("all-languages", "ko-KR", True),
        ("all-languages", "zh-Hant-TW", True),
        ("all-languages", "not a language", False),
        ("observation-status", "final", True),
        ("observation-status", "Final", False),
        ("ucum-units", "mg/dL", True),
        ("ucum-units", "[no such unit]", False),
        ("no-such-set", "final", None),
    ],
)
def test_a_bare_code_is_judged_by_list_or_by_grammar(value_set: str, code: str, verdict: bool | None) -> None:
    assert holds(VS + value_set, "", code) is verdict


def test_a_code_of_another_system_is_not_in_the_set() -> None:
    assert holds(f"{VS}mimetypes", systems.BCP_47, "application/pdf") is False
    assert holds(f"{VS}observation-status", systems.LOINC, "final") is False
