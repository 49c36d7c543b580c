"""The mappings as data name real columns, and all of them."""

import pytest

from capability.describe import PartDescribed, TypeDescribed, described
from fhir_facade.registry import by_type
from mappers.cdss.tables import CDSS
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study
from mappers.facade.tables import fhir_audit, fhir_audit_event, fhir_report_signature
from mappers.openemr.tables import OPENEMR
from mappers.reach import ColumnName, all_names, declared_columns

MAPPINGS = by_type()
OURS = (
    *(fhir_audit, fhir_audit_event, fhir_report_signature),
    *(fhir_dicom_study, fhir_dicom_series, fhir_dicom_instance),
)
TYPES = {t.resource_type: t for t in described(MAPPINGS)}


def part(resource_type: str, name: str) -> PartDescribed:
    return next(p for p in TYPES[resource_type].parts if p.name == name)


def test_every_column_is_one_of_a_declared_table() -> None:
    declared = declared_columns([*CDSS.tables.values(), *OPENEMR.tables.values(), *OURS])
    assert all_names(MAPPINGS) <= declared.keys()


def test_parameters_compare_nothing_that_is_not_read_as_well() -> None:
    needed = {n for t in TYPES.values() for p in t.parts for n in p.needs}
    assert needed == all_names(MAPPINGS)


def test_an_alias_is_told_as_the_table_behind_it() -> None:
    code = next(e for e in part("Observation", "lab-lis_labresult").elements if e.path == "code")
    assert ColumnName("cdss_db", "lis_labtestmaster", "loinc_code") in code.columns
    assert ColumnName("cdss_db", "lis_labtestmaster", "test_code") in code.needs


def test_a_join_names_its_table_and_the_columns_that_lead_there() -> None:
    joined = {j.table: j.on for j in part("Patient", "emr_patientcache").joins}
    assert [str(c) for c in joined["openemr.patient_data"]] == [
        "cdss_db.emr_patientcache.openemr_pid",
        "openemr.patient_data.pid",
    ]


def test_what_is_inside_a_backbone_element_is_told_one_by_one() -> None:
    paths = {e.path for e in part("Observation", "lab-lis_labresult").elements}
    assert {"note[].text", "referenceRange[].low"} <= paths


def test_a_sensitive_value_is_told_although_it_is_not_served() -> None:
    identifiers = [e for e in part("Patient", "emr_patientcache").elements if e.path == "identifier[]"]
    assert any(c.column == "ssn" for e in identifiers for c in e.columns)


def test_a_parameter_reaches_columns_of_the_tables_that_its_conditions_lead_to() -> None:
    vital = next(p for p in TYPES["Observation"].parts if p.table == "form_vitals")
    patient = next(p for p in vital.parameters if p.name == "patient")
    assert ColumnName("cdss_db", "emr_patientcache", "openemr_pid") in patient.columns


@pytest.mark.parametrize("described_type", TYPES.values(), ids=TYPES)
def test_every_element_is_read_from_a_column_or_fixed(described_type: TypeDescribed) -> None:
    without = [
        f"{p.name}: {e.path}"
        for p in described_type.parts
        for e in p.elements
        if p.table and not e.columns and not e.fixed
    ]
    assert without == []
