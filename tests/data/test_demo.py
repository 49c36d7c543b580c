"""The demo hospital is the same on every run, whole, clean and rich enough to be shown."""

import re
import unicodedata
from collections import Counter, defaultdict
from typing import Any

import pytest
from sqlalchemy import CHAR, VARCHAR, Connection, String, Table

from mappers.cdss.tables import CDSS
from mappers.demo import awkward_rows, demo_rows
from mappers.demo.imaging import STUDIES
from mappers.demo.rows import row_key
from mappers.openemr.tables import OPENEMR

ROWS = list(demo_rows())
BY_TABLE: dict[str, list[dict[str, Any]]] = defaultdict(list)
for _table, _row in ROWS:
    BY_TABLE[_table.name].append(_row)


def values(table: str, column: str) -> set[Any]:
    return {row[column] for row in BY_TABLE[table]}


def test_two_runs_make_the_same_rows() -> None:
    assert list(demo_rows()) == ROWS


@pytest.mark.parametrize("table", [*CDSS.sorted_tables, *OPENEMR.sorted_tables], ids=lambda t: t.name)
def test_every_table_has_rows(table: Table) -> None:
    assert BY_TABLE[table.name]


def test_foreign_keys_hold(filled: Connection) -> None:
    assert filled.exec_driver_sql("PRAGMA foreign_key_check").all() == []


def test_keys_are_unique_among_demo_and_awkward_rows() -> None:
    keys = Counter(
        (table.fullname, *(row[name] for name in row_key(table))) for table, row in [*ROWS, *awkward_rows()]
    )
    assert [key for key, times in keys.items() if times > 1] == []


def test_texts_fit_their_columns() -> None:
    """SQLite takes any length; MySQL would cut or refuse."""
    for table, row in [*ROWS, *awkward_rows()]:
        for column in table.columns:
            value = row[column.name]
            if isinstance(column.type, VARCHAR | CHAR) and isinstance(value, str):
                assert len(value) <= (column.type.length or 0), (table.name, column.name, value)


def test_texts_are_composed_unicode() -> None:
    for table, row in ROWS:
        for column in table.columns:
            if isinstance(column.type, String) and isinstance(row[column.name], str):
                assert unicodedata.is_normalized("NFC", row[column.name]), (table.name, row)


def test_clinical_rows_of_openemr_have_their_patient_and_encounter() -> None:
    pids, encounters = values("patient_data", "pid"), values("form_encounter", "encounter")
    for name in ("lists", "form_vitals", "forms", "immunizations", "prescriptions", "insurance_data"):
        pid = "patient_id" if name in ("immunizations", "prescriptions") else "pid"
        assert values(name, pid) <= pids
    assert values("forms", "encounter") <= encounters
    assert values("prescriptions", "encounter") <= encounters | {0}


def test_thirteen_users_have_all_eight_roles() -> None:
    assert len(BY_TABLE["accounts_user"]) == 13
    assert {"admin", "doctor", "doctor2", "nurse", "lab", "external"} <= values("accounts_user", "username")
    assert values("accounts_user", "role") == {
        "admin",
        "doctor",
        "nurse",
        "radiologist",
        "lab_technician",
        "pharmacist",
        "patient",
        "external",
    }


@pytest.mark.parametrize(
    ("table", "column", "words"),
    [
        ("emr_encounter", "status", "scheduled in_progress completed cancelled"),
        ("emr_encounter", "encounter_type", "OPD IPD ER"),
        ("ocs_order", "order_type", "MEDICATION LAB RADIOLOGY PROCEDURE"),
        ("ocs_order", "status", "draft ordered in_progress completed cancelled"),
        ("ocs_order", "priority", "routine urgent stat"),
        ("ocs_diagnosis", "diag_type", "primary secondary rule_out"),
        ("emr_allergy", "category", "drug food environment"),
        ("emr_allergy", "severity", "mild moderate severe"),
        ("lis_labresult", "status", "preliminary final corrected cancelled"),
        ("lis_labresult", "abnormal_flag", "N H L HH LL A"),
        ("ris_radiologyreport", "status", "draft preliminary final amended"),
        ("ai_aijob", "status", "PENDING PROCESSING COMPLETED FAILED CANCELLED"),
        ("ai_aijob", "review_status", "unreviewed confirmed rejected modified"),
        ("alert_notification", "category", "CRITICAL_LAB AI_RESULT ORDER SYSTEM"),
        ("alert_notification", "severity", "info warning critical"),
        ("audit_auditlog", "action", "READ CREATE UPDATE DELETE LOGIN LOGIN_FAILED EXPORT"),
        ("ocs_diagnosis", "diag_code", "I10 E11 C71.1 D33.0"),
        ("form_encounter", "class_code", "AMB EMER IMP VR HH SS"),
    ],
)
def test_every_word_of_a_list_occurs(table: str, column: str, words: str) -> None:
    assert set(words.split()) <= values(table, column)


@pytest.mark.parametrize("code", ["WBC", "RBC", "HGB", "HCT", "PLT", "GLU"])
@pytest.mark.parametrize("patient", ["P-2025-000001", "P-2025-000002"])
def test_series_are_long_enough_to_plot(patient: str, code: str) -> None:
    times = {
        row["resulted_at"]
        for row in BY_TABLE["lis_labresult"]
        if (row["patient_id"], row["test_code"]) == (patient, code)
    }
    assert len(times) >= 12


def test_results_hold_a_comparator_and_words() -> None:
    assert {"<0.5", "Negative", "양성(1+)", "1:80"} <= values("lis_labresult", "value")


def test_orders_are_of_one_and_of_several_items() -> None:
    sizes = set(Counter(row["order_id"] for row in BY_TABLE["ocs_orderitem"]).values())
    assert {1, 3} <= sizes


def test_loinc_codes_have_their_check_digit() -> None:
    codes = values("lis_labtestmaster", "loinc_code") - {None}
    codes |= set(re.findall(r"LOINC:(\d+-\d)", " ".join(values("procedure_type", "standard_code"))))
    assert len(codes) >= 20
    assert [code for code in codes if not _luhn(code.replace("-", ""))] == []


def test_provider_numbers_have_their_check_digit() -> None:
    numbers = values("users", "npi") - {None, ""}
    assert len(numbers) >= 3
    assert [number for number in numbers if not _luhn(f"80840{number}")] == []


def test_studies_have_valid_and_distinct_uids() -> None:
    uids = [study.study_instance_uid for study in STUDIES]
    for study in STUDIES:
        for series in study.series:
            uids.append(study.series_instance_uid(series))
            uids += [study.sop_instance_uid(series, n) for n in range(1, series.instances + 1)]
    assert len(set(uids)) == len(uids)
    assert all(re.fullmatch(r"2\.25\.[1-9]\d{0,38}", uid) for uid in uids)
    assert [study.modality for study in STUDIES] == ["MR", "MR", "CT"]
    assert values("ris_radiologystudy", "study_instance_uid") == {s.study_instance_uid for s in STUDIES}


def test_one_prescription_is_on_the_medication_list_too() -> None:
    doubled = [row for row in BY_TABLE["prescriptions"] if row["medication"] == 1 and row["patient_id"] == 1]
    titles = {row["title"] for row in BY_TABLE["lists"] if row["type"] == "medication"}
    assert doubled
    assert all(row["drug"] in titles for row in doubled)


def test_option_ids_that_rows_use_are_in_their_lists() -> None:
    options = {(row["list_id"], row["option_id"]) for row in BY_TABLE["list_options"]}
    uses = {
        ("form_encounter", "class_code"): "_ActEncounterCode",
        ("lists", "reaction"): "reaction",
        ("lists", "severity_al"): "severity_ccda",
        ("patient_data", "status"): "marital",
        ("patient_data", "language"): "language",
        ("openemr_postcalendar_events", "pc_apptstatus"): "apptstat",
        ("procedure_report", "report_status"): "proc_rep_status",
        ("immunizations", "completion_status"): "Immunization_Completion_Status",
        ("form_clinical_notes", "clinical_notes_type"): "Clinical_Note_Type",
    }
    known_gaps = {("proc_rep_status", "received"), ("proc_rep_status", "complete")}
    used = {(list_id, value) for (t, c), list_id in uses.items() for value in values(t, c) if value}
    assert used - options <= known_gaps


def _luhn(digits: str) -> bool:
    """Whether the last digit is the modulus-10 check digit of the others."""
    weighted = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number // 10 + number % 10 for number in weighted) % 10 == 0
