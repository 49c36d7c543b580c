"""Observation and DiagnosticReport of the laboratories, of both databases; smoking and blood type."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from mappers.engine import Engine
from tests.mappings.reading import ids, unreadable
from tests.mappings.whole import assert_as_kept
from tests.mappings.whole import resource as read


async def lab(engine: Engine, id_text: str) -> dict[str, Any]:
    """An Observation."""
    return await read(engine, f"Observation/{id_text}")


def absent(observation: dict[str, Any]) -> str:
    """Why it has no value."""
    return str(observation["dataAbsentReason"]["coding"][0]["code"])


@pytest.mark.parametrize(
    "reference",
    [
        "Observation/lab-4002",
        "Observation/lab-4009",
        "Observation/lab-4011",
        "Observation/lab-900004",
        "Observation/lab-900009",
        "Observation/lab-900013",
        "Observation/lab-900023",
        "Observation/oe-res-3",
        "Observation/oe-res-6",
        "Observation/oe-res-8",
        "Observation/oe-res-9",
        "Observation/oe-res-900711",
        "Observation/oe-res-900714",
        "Observation/oe-res-900717",
        "Observation/oe-res-900723",
        "Observation/oe-smoke-2",
        "Observation/blood-P-2025-000001",
        "DiagnosticReport/labrep-O-2025-002001",
        "DiagnosticReport/labrep-O-2025-002002",
        "DiagnosticReport/oe-rep-4",
        "DiagnosticReport/oe-rep-900704",
        "DiagnosticReport/oe-rep-900711",
    ],
)
async def test_it_is_told_whole(engine: Engine, reference: str) -> None:
    await assert_as_kept(engine, reference)


@pytest.mark.parametrize(
    ("id_text", "value"),
    [("lab-900002", "1.50"), ("lab-900003", "5.40"), ("lab-900007", "97"), ("oe-res-900718", "7.10")],
)
async def test_a_number_keeps_the_digits_it_was_written_with(
    engine: Engine, id_text: str, value: str
) -> None:
    assert str((await lab(engine, id_text))["valueQuantity"]["value"]) == value


async def test_a_number_is_never_cut_to_an_integer(engine: Engine) -> None:
    assert (await lab(engine, "oe-res-3"))["valueQuantity"]["value"] == Decimal("0.86")


async def test_zero_is_a_value(engine: Engine) -> None:
    assert (await lab(engine, "oe-res-900720"))["valueQuantity"]["value"] == 0


@pytest.mark.parametrize(
    ("id_text", "comparator"),
    [("lab-900004", "<"), ("lab-4005", "<"), ("oe-res-900711", "<"), ("oe-res-900712", ">=")],
)
async def test_a_comparator_is_kept(engine: Engine, id_text: str, comparator: str) -> None:
    assert (await lab(engine, id_text))["valueQuantity"]["comparator"] == comparator


@pytest.mark.parametrize(
    ("id_text", "text"),
    [
        ("lab-900001", "12x"),
        ("lab-900005", "1:80"),
        ("lab-900020", "4,1"),
        ("oe-res-900715", "1:80"),
        ("oe-res-900717", "5,6"),
        ("oe-res-900719", "1e3"),
    ],
)
async def test_what_is_no_plain_number_stays_a_text(engine: Engine, id_text: str, text: str) -> None:
    assert (await lab(engine, id_text))["valueString"] == text


async def test_a_long_text_is_the_value_and_no_note_beside(engine: Engine) -> None:
    found = await lab(engine, "oe-res-900721")
    assert found["valueString"].startswith("First line")
    assert "note" not in found


@pytest.mark.parametrize(
    ("id_text", "reason"),
    [
        ("oe-res-900713", "unknown"),  # DNR: did not report
        ("oe-res-900714", "not-performed"),  # TNP: test not performed
        ("oe-res-900716", "unknown"),
        ("lab-900006", "unknown"),
        ("lab-4009", "not-performed"),
    ],
)
async def test_what_has_no_value_says_why(engine: Engine, id_text: str, reason: str) -> None:
    found = await lab(engine, id_text)
    assert not [name for name in found if name.startswith("value")]
    assert absent(found) == reason
    assert id_text in await ids(engine, "Observation", data_absent_reason=reason)


@pytest.mark.parametrize(
    ("id_text", "status"),
    [
        ("lab-900010", "unknown"),
        ("lab-900013", "unknown"),
        ("lab-900020", "final"),  # FINAL
        ("oe-res-1", "preliminary"),
        ("oe-res-7", "corrected"),
        ("oe-res-900717", "unknown"),
        ("oe-res-900718", "unknown"),  # blank
        ("oe-res-900723", "entered-in-error"),
    ],
)
async def test_a_status_is_what_the_word_means_or_unknown(engine: Engine, id_text: str, status: str) -> None:
    assert (await lab(engine, id_text))["status"] == status
    assert id_text in await ids(engine, "Observation", status=status)


async def test_a_finding_tells_its_results_time_and_its_specimen_when_it_was_taken(engine: Engine) -> None:
    found = await lab(engine, "lab-4002")
    assert found["effectiveDateTime"] == "2025-08-31T04:05:00+09:00"
    assert found["issued"] == "2025-08-31T04:20:00+09:00"
    specimen = await read(engine, found["specimen"]["reference"])
    assert specimen["collection"]["collectedDateTime"] == "2025-08-31T03:30:00+09:00"
    assert "lab-4002" in await ids(engine, "Observation", date="2025-08-31T04:05:00+09:00")


async def test_a_zero_date_is_absent(engine: Engine) -> None:
    assert (await lab(engine, "lab-900014")).keys().isdisjoint({"effectiveDateTime", "issued"})
    assert (await lab(engine, "oe-res-900724")).keys().isdisjoint({"effectiveDateTime", "issued"})


async def test_an_offset_beside_a_time_counts_before_the_sites(engine: Engine) -> None:
    assert (await lab(engine, "oe-res-6"))["effectiveDateTime"] == "2024-05-13T01:40:00+00:00"
    assert (await lab(engine, "oe-res-900711"))["effectiveDateTime"] == "2024-06-07T09:00:00+05:30"
    assert "oe-res-900711" in await ids(engine, "Observation", date="2024-06-07T12:30:00")  # in Seoul
    assert "oe-res-900711" not in await ids(engine, "Observation", date="2024-06-07T09:00:00")


async def test_an_offset_that_is_none_is_the_sites(engine: Engine) -> None:
    report = await read(engine, "DiagnosticReport/oe-rep-900712")
    assert report["issued"] == "2024-06-08T12:00:00+09:00"


@pytest.mark.parametrize(
    ("id_text", "limits"),
    [
        ("oe-res-900711", {"low": "5.0", "high": "8.0"}),
        ("oe-res-1", {"low": "70", "high": "100"}),
        ("oe-res-6", {}),  # < 130: FHIR's limits belong to the range
        ("oe-res-900717", {}),  # 8-5
        ("oe-res-900712", {}),  # neg
    ],
)
async def test_a_range_has_limits_only_where_its_text_is_plain(
    engine: Engine, id_text: str, limits: dict[str, str]
) -> None:
    [found] = (await lab(engine, id_text))["referenceRange"]
    assert {k: str(v["value"]) for k, v in found.items() if k != "text"} == limits
    assert found["text"]


async def test_a_code_is_told_by_prefix_or_form_or_is_the_laboratorys(engine: Engine) -> None:
    async def systems(id_text: str) -> set[str]:
        return {c["system"].rpartition("/")[2] for c in (await lab(engine, id_text))["code"]["coding"]}

    assert await systems("oe-res-3") == {"loinc.org"}  # LOINC:2160-0
    assert await systems("oe-res-1") == {"loinc.org", "openemr-result"}  # 2345-7
    assert await systems("oe-res-4") == {"openemr-result"}  # GLU
    assert await systems("oe-res-900724") == {"sct"}
    assert {"oe-res-3"} <= await ids(engine, "Observation", code="http://loinc.org|2160-0")
    assert {"oe-res-1"} <= await ids(engine, "Observation", code="http://loinc.org|2345-7")


async def test_an_abnormal_flag_that_nobody_knows_stays_a_text(engine: Engine) -> None:
    assert (await lab(engine, "lab-900009"))["interpretation"] == [{"text": "ZZ"}]
    assert (await lab(engine, "oe-res-900717"))["interpretation"] == [{"text": "wrong"}]


async def test_both_who_found_and_who_verified_are_performers(engine: Engine) -> None:
    assert len((await lab(engine, "lab-4002"))["performer"]) == 2
    assert len((await lab(engine, "lab-4001"))["performer"]) == 1  # the same person


async def test_results_of_nobody_are_named_as_unreadable(engine: Engine) -> None:
    assert "openemr/procedure_result/900701" in await unreadable(engine, "Observation")


async def test_an_unknown_test_keeps_its_local_code(engine: Engine) -> None:
    found = await lab(engine, "lab-900011")
    assert [c["code"] for c in found["code"]["coding"]] == ["NOSUCH"]
    assert found["code"]["text"] == "NOSUCH"


# reports


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ("O-2025-000019", "cancelled"),
        ("O-2025-002001", "corrected"),
        ("O-2025-002002", "preliminary"),
        ("O-2025-002004", "final"),
    ],
)
async def test_a_reports_status_follows_from_its_results(engine: Engine, order: str, status: str) -> None:
    assert (await read(engine, f"DiagnosticReport/labrep-{order}"))["status"] == status
    assert f"labrep-{order}" in await ids(engine, "DiagnosticReport", status=status)


async def test_an_order_without_results_has_no_report(engine: Engine) -> None:
    assert await engine.read("DiagnosticReport", "labrep-O-2025-000017") is None


async def test_every_report_on_a_line_is_served(engine: Engine) -> None:
    found = await ids(engine, "DiagnosticReport", based_on="ServiceRequest/oe-order-900707")
    assert {f"oe-rep-90071{n}" for n in range(1, 5)} <= found


async def test_a_report_is_found_by_its_results(engine: Engine) -> None:
    assert await ids(engine, "DiagnosticReport", result="Observation/lab-4001") == {"labrep-O-2025-002001"}
    assert await ids(engine, "DiagnosticReport", result="Observation/oe-res-6") == {"oe-rep-4"}


# smoking and blood type


async def test_the_newest_history_counts_alone(engine: Engine) -> None:
    assert await engine.read("Observation", "oe-smoke-1") is None
    assert await engine.read("Observation", "oe-smoke-900001") is None  # a newer one says nothing


@pytest.mark.parametrize("key", [900003, 900004, 900005, 900006])
async def test_a_record_without_a_known_option_is_no_smoking_status(engine: Engine, key: int) -> None:
    assert await engine.read("Observation", f"oe-smoke-{key}") is None


async def test_a_smoking_status_is_found_by_its_concept(engine: Engine) -> None:
    found = await ids(engine, "Observation", value_concept="http://snomed.info/sct|266919005")
    assert found == {"oe-smoke-3"}


async def test_a_blood_type_claims_no_status(engine: Engine) -> None:
    found = await lab(engine, "blood-P-2025-000001")
    assert found["status"] == "unknown"
    assert "effectiveDateTime" not in found
