"""Mappings without missing columns serve what is left and name nothing that is missing."""

from collections.abc import Callable

import pytest

from fhir_facade.drift import fit
from fhir_facade.inspection import Catalogue
from fhir_facade.registry import by_type, everything
from mappers.cdss.tables import CDSS
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study
from mappers.facade.tables import fhir_audit, fhir_audit_event, fhir_report_signature
from mappers.mapping import Part
from mappers.openemr.tables import OPENEMR
from mappers.reach import ColumnName, all_names, declared_columns
from mappers.reduced import reduced

MAPPINGS = by_type()
OURS = (
    *(fhir_audit, fhir_audit_event, fhir_report_signature),
    *(fhir_dicom_study, fhir_dicom_series, fhir_dicom_instance),
)
DECLARED = declared_columns([*CDSS.tables.values(), *OPENEMR.tables.values(), *OURS])
NEEDED = sorted(all_names(MAPPINGS))
TABLES = sorted({n.of for n in NEEDED})


def there(keep: Callable[[ColumnName], bool]) -> Catalogue:
    return Catalogue({n: kind for n, kind in DECLARED.items() if keep(n)})


def part(name: str, resource_type: str = "Patient") -> Part:
    found = reduced(MAPPINGS, frozenset({ColumnName("cdss_db", "emr_patientcache", name)}))[0]
    return found[resource_type].by_name["emr_patientcache"]


def test_whole_databases_lose_nothing() -> None:
    found = fit(MAPPINGS, there(lambda n: True))
    assert found.degraded == ()
    assert all(found.mappings[name] is MAPPINGS[name] for name in MAPPINGS)


@pytest.mark.parametrize("table", TABLES, ids=".".join)
def test_without_a_table_nothing_that_is_left_names_it(table: tuple[str, str]) -> None:
    found = fit(MAPPINGS, there(lambda n: n.of != table))
    assert not {n for n in all_names(found.mappings) if n.of == table}
    assert any(".".join(table) in text for text in found.degraded)


@pytest.mark.parametrize("column", {n.of: n for n in NEEDED}.values(), ids=str)
def test_without_a_column_nothing_that_is_left_names_it(column: ColumnName) -> None:
    left, losses = reduced(MAPPINGS, frozenset({column}))
    assert column not in all_names(left)
    assert losses


def test_without_openemr_the_cdss_alone_is_served() -> None:
    found = fit(MAPPINGS, there(lambda n: n.schema == "cdss_db"))
    [patient] = found.mappings["Patient"].parts
    assert patient.name == "emr_patientcache"
    assert {"birthDate", "name[]"} <= {e.path for e in patient.elements}
    assert not patient.source.joins
    assert any("schema openemr" in text for text in found.degraded)


def test_a_value_keeps_the_alternatives_that_are_left() -> None:
    assert "birthDate" in {e.path for e in part("birth_date").elements}


def test_without_the_archives_index_a_study_says_what_its_row_says() -> None:
    found = fit(MAPPINGS, there(lambda n: not n.table.startswith("fhir_dicom_")))
    [study] = found.mappings["ImagingStudy"].parts
    left = {e.path for e in study.elements}
    assert {"modality[]", "numberOfSeries", "numberOfInstances"} <= left
    assert "series[]" not in left
    assert "modality" in found.mappings["ImagingStudy"].params
    assert not {"series", "instance", "bodysite"} & found.mappings["ImagingStudy"].params.keys()


def test_a_parameter_whose_element_is_gone_is_gone() -> None:
    found = fit(MAPPINGS, there(lambda n: n.column != "abnormal_flag"))
    assert any("interpretation" in text for text in found.degraded)
    gone = fit(MAPPINGS, there(lambda n: n.table != "patient_data"))
    assert "address-city" not in gone.mappings["Patient"].params
    assert any("can't be searched by" in text and "address-city" in text for text in gone.degraded)


def test_what_clients_write_is_searched_as_before() -> None:
    mappings = everything()
    left, _ = reduced(mappings, frozenset({ColumnName("openemr", "immunizations", "id")}))
    assert [p.name for p in left["Immunization"].parts] == ["n-fhir_resource"]
    assert {n: m.params.keys() for n, m in left.items()} == {n: m.params.keys() for n, m in mappings.items()}


def test_a_part_without_its_key_is_not_served() -> None:
    found = fit(MAPPINGS, there(lambda n: n != ColumnName("cdss_db", "lis_labresult", "id")))
    assert "lab-lis_labresult" not in found.mappings["Observation"].by_name


def test_a_type_of_which_nothing_is_left_is_not_served() -> None:
    found = fit(MAPPINGS, there(lambda n: n.table not in ("emr_patientcache", "patient_data")))
    assert "Patient" not in found.mappings
    assert any(text.startswith("Patient is not served") for text in found.degraded)


def test_names_of_columns_are_compared_without_case() -> None:
    upper = Catalogue({ColumnName(n.schema, n.table, n.column.upper()): k for n, k in DECLARED.items()})
    assert fit(MAPPINGS, upper).degraded == ()


def test_parts_that_share_a_from_still_share_it() -> None:
    left, _ = reduced(MAPPINGS, frozenset({ColumnName("openemr", "form_vitals", "note")}))
    sources = {id(p.source) for p in left["Observation"].parts if "form_vitals" in p.name}
    notes = [e for p in left["Observation"].parts for e in p.elements if "vit" in p.id.prefix]
    assert len(sources) == 1
    assert not any(e.path == "note[]" for e in notes)
