"""Units: what is written, what it converts to, and that both agree with UCUM."""

import csv
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from xml.etree import ElementTree

import pytest
import ucumvert
from hypothesis import assume, given
from hypothesis import strategies as st

from terminology import definitions, ucum
from terminology.folding import fold_characters
from terminology.ucum_grammar import is_unit

PARSER = ucumvert.get_ucum_parser()
VENDOR = files("ucumvert").joinpath("vendor")

ROWS = list(csv.DictReader(files("terminology").joinpath("ucum.csv").read_text("utf-8").splitlines()))
CODES = [row["code"] for row in ROWS]
DECIMALS = st.decimals(-(10**6), 10**6, allow_nan=False, allow_infinity=False, places=6)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("mg/dL", "mg/dL"), ("MG/DL", "mg/dL"), ("G/DL", "g/dL"), ("cells/uL", "/uL"), ("10^3/uL", "10*3/uL"),
        ("K/uL", "10*3/uL"), ("mEq/L", "meq/L"), ("IU/L", "[IU]/L"), ("U/L", "U/L"), ("%", "%"),
        ("mm/hr", "mm/h"), (" mm  Hg ", "mm[Hg]"), ("정", "{tbl}"), ("µg/dL", "ug/dL"), ("mmol/L", "mmol/L"),
        ("kat/L", "kat/L"), ("ml", "mL"), ("CU.MM", "/mm3"), ("{anything}", "{anything}"),
    ],
)  # fmt: skip
def test_a_written_unit_is_understood(written: str, code: str) -> None:
    assert ucum.unit_code(written) == code


@pytest.mark.parametrize("written", [None, "", "  ", "a lot", "units", "positive", "HMOL/L"])
def test_what_is_no_unit_is_not_guessed(written: str | None) -> None:
    assert ucum.unit_code(written) is None


@pytest.mark.parametrize(
    ("value", "code", "to", "expected"),
    [
        ("98.6", "[degF]", "Cel", "37"),
        ("0", "Cel", "K", "273.15"),
        ("150", "[lb_av]", "kg", "68.0388555"),
        ("70", "[in_i]", "cm", "177.8"),
        ("5", "10*3/uL", "10*9/L", "5"),
        ("4500", "/uL", "10*3/uL", "4.5"),
        ("140", "mg/dL", "g/L", "1.4"),
        ("13.5", "g/dL", "g/L", "135"),
        ("2.5", "u[IU]/mL", "m[IU]/L", "2.5"),
        ("760", "mm[Hg]", "kPa", "101.32472"),
        ("1", "a", "d", "365.25"),
    ],
)
def test_known_conversions(value: str, code: str, to: str, expected: str) -> None:
    assert ucum.convert(Decimal(value), code, to) == Decimal(expected)


@pytest.mark.parametrize(
    ("code", "to"), [("mg/dL", "mmol/L"), ("meq/L", "mmol/L"), ("U/L", "[IU]/L"), ("x", "x")]
)
def test_different_dimensions_do_not_convert(code: str, to: str) -> None:
    assert ucum.convert(Decimal(1), code, to) is None


def test_no_code_stands_twice_and_each_converts_to_itself_first() -> None:
    assert len(CODES) == len(set(CODES))
    for code in CODES:
        assert ucum.convertible(code)[0] == (code, Fraction(1), Fraction(0))
        assert ucum.is_valid(code)


@given(st.sampled_from(CODES), DECIMALS)
def test_there_and_back_gives_the_same_value(code: str, value: Decimal) -> None:
    for other in ucum.convertible(code):
        back = ucum.convert(other.apply(value), other.code, code)
        assert back is not None
        assert abs(back - value) <= Decimal("1e-15")


@given(st.text(max_size=12))
def test_any_text_is_answered_with_a_valid_code_or_none(text: str) -> None:
    found = ucum.unit_code(text)
    assert found is None or ucum.is_valid(found)


def test_factors_agree_with_an_independent_ucum_implementation() -> None:
    ucumvert = pytest.importorskip("ucumvert")
    registry = ucumvert.PintUcumRegistry()  # its mercury is 133.322387 Pa where UCUM says 133.322
    for code in (one for one in CODES if not one.startswith("{")):  # a bare annotation measures nothing
        here = registry.from_ucum(code)
        for other in ucum.convertible(code):
            unit = registry.from_ucum(other.code)
            there = here.to(unit.units).magnitude / unit.magnitude
            assert there == pytest.approx(float(other.apply(Decimal(1))), rel=1e-5), (code, other.code)


@pytest.mark.parametrize("code", CODES)
def test_no_two_units_of_a_dimension_share_a_text_whatever_its_case(code: str) -> None:
    folded = [{fold_characters(t) for t in ucum.texts(one.code)} for one in ucum.convertible(code)]
    assert len(set().union(*folded)) == sum(map(len, folded))


def _parses(code: str) -> bool:
    try:
        PARSER.parse(code)
    except Exception:
        return False
    return True


NO_UNITS = ["mcg", "ea", "TAB", "month", "kk", "m/", "m//s", "(m", "m)", "k%", " m", "m s", "", "m{한}"]


@pytest.mark.parametrize("code", [*NO_UNITS, "(" * 100 + "m" + ")" * 100])
def test_what_ucum_does_not_have_is_no_unit(code: str) -> None:
    assert not is_unit(code)


def test_ucums_own_examples_are_units() -> None:
    lines = (VENDOR / "ucum_examples.tsv").read_text(encoding="utf-8").splitlines()[1:]
    examples = [line.split("\t")[1] for line in lines]
    assert len(examples) > 800
    # The examples have Torr, which UCUM's table of units does not define.
    assert [code for code in examples if not is_unit(code)] == ["Torr"]


def test_hl7s_common_units_are_units_but_for_blanks_in_annotations() -> None:
    common = definitions.valueset_codes("http://hl7.org/fhir/ValueSet/ucum-common") or ()
    assert {code for _, code in common if not is_unit(code)} == {code for _, code in common if " " in code}


PIECES = ["m", "k", "s", "/", ".", "(", ")", "2", "{x}", "[Hg]", "10*", "g", "L", "d", "%", "[IU]", "1"]


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join))
def test_units_agree_with_another_implementation(code: str) -> None:
    assume("{x}{x}" not in code)  # UCUM's grammar has one annotation a component
    assert is_unit(code) == _parses(code)


def test_the_table_is_ucums() -> None:
    root = ElementTree.fromstring((VENDOR / "ucum-essence.xml").read_bytes())  # noqa: S314 - a package's own
    kinds = {"prefix": "prefix", "base-unit": "metric", "unit": "unit"}
    published = {
        ("metric" if one.get("isMetric") == "yes" else kinds[one.tag.rpartition("}")[2]], one.get("Code"))
        for one in root
        if one.tag.rpartition("}")[2] in kinds
    }
    rows = files("terminology").joinpath("ucum_atoms.csv").read_text("utf-8").splitlines()
    assert {(row["kind"], row["code"]) for row in csv.DictReader(rows)} == published
