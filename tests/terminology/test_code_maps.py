"""What every concept map promises, row by row, and what `CodeMap` does with it."""

import csv
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import pytest

from terminology import code_map, definitions, systems, ucum, verification
from terminology.code_map import STANDARD_COLUMNS, CodeMap, index

MAPS = Path(str(files("terminology"))) / "maps"
NAMES = sorted(index())


@pytest.fixture(params=NAMES)
def table(request: pytest.FixtureRequest) -> CodeMap:
    return CodeMap.load(request.param)


def test_every_file_is_in_the_index_and_back() -> None:
    assert sorted(path.stem for path in MAPS.glob("*.csv")) == sorted([*NAMES, "index"])


@pytest.mark.parametrize("name", NAMES)
def test_columns_are_the_agreed_ones(name: str) -> None:
    with (MAPS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0][:6]) == STANDARD_COLUMNS
    assert {len(row) for row in rows} == {len(rows[0])}
    assert all(cell == cell.strip() for row in rows for cell in row)
    assert {row[5] for row in rows[1:]} <= {"yes", "no"}


def test_no_source_stands_twice(table: CodeMap) -> None:
    keys = [one.source if table.info.case_sensitive else one.source.casefold() for one in table.entries]
    assert len(keys) == len(set(keys))


def test_verified_says_what_the_packaged_code_systems_say(table: CodeMap) -> None:
    wrong = [
        one
        for one in table.entries
        if one.verified != verification.is_verified(one.system, one.code, one.display)
    ]
    assert not wrong, "run python -m terminology.build_reference"


def test_every_row_names_its_origin_and_a_known_system(table: CodeMap) -> None:
    known = {text for name, text in vars(systems).items() if name.isupper() and isinstance(text, str)}
    for one in table.entries:
        assert one.origin
        assert bool(one.code) <= bool(one.system)
        if one.code:
            assert one.system in known or definitions.codesystem_codes(one.system) is not None


@pytest.mark.parametrize("name", [name for name in NAMES if index()[name].value_set])
def test_codes_of_a_bound_element_are_in_its_value_set(name: str) -> None:
    table = CodeMap.load(name)
    codes = definitions.valueset_codes(table.info.value_set)
    assert codes
    assert {(one.system, one.code) for one in table.entries} <= codes


def test_the_way_back_leads_to_sources_that_lead_here(table: CodeMap) -> None:
    for one in table.entries:
        if one.coding():
            sources = table.sources_of(one.system, one.code)
            assert one.source in sources
            assert set(sources) <= set(table.sources_of(None, one.code))
        for source in table.sources_of(one.system, one.code):
            found = table.to_fhir(source)
            assert found is not None
            assert (found.system, found.code) == (one.system, one.code)


def test_a_required_code_is_never_unverified() -> None:
    for name in NAMES:
        table = CodeMap.load(name)
        if table.info.value_set:
            assert all(one.verified for one in table.entries), name


def test_most_rows_are_verified() -> None:
    entries = [one for name in NAMES for one in CodeMap.load(name).entries]
    assert len(entries) > 1000
    assert sum(one.verified for one in entries) / len(entries) > 0.9


@pytest.mark.parametrize(
    ("name", "source", "code"),
    [
        ("cdss_gender", " m ", "male"),
        ("cdss_encounter_status", "COMPLETED", "finished"),
        ("cdss_order_status", "cancelled", "revoked"),
        ("cdss_audit_outcome", 0, "4"),
        ("cdss_department", "신경외과", "06"),
        ("openemr_immunization_status", None, "completed"),
        ("openemr_appointment_status", "x", "cancelled"),
        ("openemr_drug_route_v2", "ByMouth", "PO"),
    ],
)
def test_a_source_finds_its_code(name: str, source: object, code: str) -> None:
    found = CodeMap.load(name).to_fhir(source)
    assert found is not None
    assert found.coding() == {"system": found.system, "code": code, "display": found.display}


def test_letter_case_counts_where_the_index_says_so() -> None:
    assert CodeMap.load("openemr_appointment_status").to_fhir("X") is None


def test_an_unverified_code_is_readable_but_never_sent() -> None:
    table = CodeMap.load("cdss_route")
    entry = table.entry("SL")
    assert entry is not None
    assert (entry.verified, entry.coding()) == (False, None)
    assert table.to_fhir("SL") is None
    assert table.sources_of(systems.SNOMED_CT, entry.code) == ()
    assert CodeMap.load("cdss_route_v2").to_fhir("SL") is not None


def test_the_first_source_is_the_one_to_write() -> None:
    assert CodeMap.load("cdss_order_status").sources_of(None, "active")[:2] == ("ordered", "in_progress")


def test_an_unknown_value_or_map_is_said_so() -> None:
    assert CodeMap.load("cdss_gender").to_fhir("X") is None
    assert CodeMap.load("cdss_gender").sources_of(None, "nothing") == ()
    with pytest.raises(KeyError):
        CodeMap.load("no_such_map")


def test_code_string_prefixes_name_their_system() -> None:
    table = CodeMap.load("openemr_code_systems")
    assert table.system_of("ICD10") == systems.ICD10_CM
    assert table.system_of("rxcui") == systems.RXNORM
    assert table.system_of("VALUESET") is None


def test_vital_sign_units_agree_with_ucum() -> None:
    for one in CodeMap.load("openemr_vital_signs").entries:
        if one.extra["ucum"]:
            conversions = {found.code: found for found in ucum.convertible(one.extra["ucum"])}
            found = conversions[one.extra["si_ucum"]]
            assert (found.factor, found.offset) == (
                Fraction(one.extra["factor"]),
                Fraction(one.extra["offset"]),
            )
    assert ucum.convert(Decimal("98.6"), "[degF]", "Cel") == Decimal("37")


def test_local_systems_have_the_base_of_the_site() -> None:
    assert (
        systems.local_system("lab-test", "https://h.example/fhir/")
        == "https://h.example/fhir/CodeSystem/lab-test"
    )
    assert systems.local_system("lab-test").startswith(systems.DEFAULT_HOSPITAL_BASE)
    assert systems.local_identifier("mrn").endswith("/identifier/mrn")


def test_rows_are_read_by_name() -> None:
    assert code_map.read_rows("cdss_gender")[0]["code"] == "male"
