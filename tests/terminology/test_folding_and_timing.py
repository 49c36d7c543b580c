"""Text as searches compare it, and frequency words as schedules."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminology.code_map import CodeMap
from terminology.folding import fold, forms
from terminology.timing import schedule


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Müller", "muller"),
        ("MÜLLER", "muller"),
        ("Straße", "strasse"),
        ("  Kim   Min-Su ", "kim min-su"),
        ("ＫＩＭ", "kim"),
        ("김민수", "김민수"),
        (unicodedata.normalize("NFD", "김민수"), "김민수"),
        ("İstanbul", "istanbul"),
        ("が", "が"),
    ],
)
def test_case_accents_and_width_are_folded(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.text(alphabet=st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)))
def test_hangul_stays_whole_in_either_form(text: str) -> None:
    assert fold(text) == text
    assert {fold(form) for form in forms(text)} == {text}


@given(st.text())
def test_both_canonical_forms_fold_alike(text: str) -> None:
    composed, decomposed = forms(text)
    assert fold(composed) == fold(decomposed) == fold(text)


def test_a_frequency_word_becomes_a_timing() -> None:
    found = schedule("cdss_frequency", "bid")
    assert found is not None
    assert found.timing is not None
    assert found.timing["repeat"] == {"frequency": 2, "period": 1, "periodUnit": "d"}
    assert found.timing["code"]["coding"][0]["code"] == "BID"
    assert found.as_needed is False


def test_words_add_up() -> None:
    found = schedule("cdss_frequency", "TID PC PRN")
    assert found is not None
    assert found.timing == {
        "repeat": {"frequency": 3, "period": 1, "periodUnit": "d", "when": ["PC"]},
        "code": {"text": "TID PC PRN"},
    }
    assert found.as_needed is True


def test_as_needed_alone_has_no_timing() -> None:
    found = schedule("cdss_frequency", "PRN")
    assert found == (None, True)


@pytest.mark.parametrize("text", [None, "", "sometimes", "BID sometimes"])
def test_unknown_words_give_no_schedule(text: str | None) -> None:
    assert schedule("cdss_frequency", text) is None


def test_every_option_of_openemr_has_a_schedule_with_readable_text() -> None:
    for source in CodeMap.load("openemr_drug_interval").known_sources:
        found = schedule("openemr_drug_interval", source)
        assert found is not None
        assert found.as_needed or (found.timing and not found.timing["code"]["text"].isdigit())
