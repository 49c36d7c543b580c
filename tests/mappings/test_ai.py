"""AI jobs: Task, Device, and the report, findings and provenance of a result."""

from base64 import b64decode
from decimal import Decimal

import orjson
import pytest

from mappers.engine import Engine
from tests.mappings.whole import assert_as_kept, ids, resource, unreadable


@pytest.mark.parametrize(
    "reference",
    [
        "Task/ai-job-1",
        "Task/ai-job-3",
        "Task/ai-job-900008",
        "Device/ai-model-1",
        "Device/ai-model-900001",
        "DiagnosticReport/ai-report-1",
        "DiagnosticReport/ai-report-900005",
        "Observation/ai-1.tumor-detected",
        "Observation/ai-7.tumor-detected",
        "Observation/ai-8.consolidation-detected",
        "Provenance/ai-1",
        "Provenance/ai-900010",
    ],
)
async def test_resource_is_as_kept(engine: Engine, reference: str) -> None:
    await assert_as_kept(engine, reference)


@pytest.mark.parametrize("job", [900001, 900002, 900003, 900004, 900008, 900009])
async def test_a_result_that_is_no_object_breaks_nothing_and_is_no_report(engine: Engine, job: int) -> None:
    task = await resource(engine, f"Task/ai-job-{job}")
    assert "output" not in task
    assert await engine.read("DiagnosticReport", f"ai-report-{job}") is None
    assert await engine.read("Observation", f"ai-{job}.tumor-detected") is None


async def test_a_finding_that_is_neither_true_nor_false_stays_in_the_report_alone(engine: Engine) -> None:
    report = await resource(engine, "DiagnosticReport/ai-report-900005")
    assert "result" not in report
    assert orjson.loads(b64decode(report["presentedForm"][0]["data"]))["tumor_detected"] == "yes"


@pytest.mark.parametrize(
    ("job", "status"), [(1, "final"), (2, "preliminary"), (7, "entered-in-error"), (8, "amended")]
)
async def test_the_review_decides_the_status(engine: Engine, job: int, status: str) -> None:
    for reference in (f"DiagnosticReport/ai-report-{job}", f"Observation/ai-{job}.tumor-detected"):
        assert (await resource(engine, reference))["status"] == status


async def test_measures_belong_to_what_the_model_looks_for(engine: Engine) -> None:
    assert "component" not in await resource(engine, "Observation/ai-8.tumor-detected")
    found = await resource(engine, "Observation/ai-8.consolidation-detected")
    assert found["component"][0]["valueQuantity"]["value"] == Decimal("0.88")


async def test_a_result_is_marked_as_a_machines(engine: Engine) -> None:
    found = await ids(engine, "DiagnosticReport", _security="DEVAST", patient="P-2025-000001")
    assert found == ["ai-report-1"]
    assert await ids(engine, "DiagnosticReport", category="RAD", patient="P-2025-000001") == ["rad-1"]
    assert "ai-report-1" in await ids(engine, "DiagnosticReport", category="IMG", patient="P-2025-000001")


async def test_findings_are_found_by_answer_and_by_measure(engine: Engine) -> None:
    patient = "P-2025-000002"
    detected = await ids(engine, "Observation", value_concept="DET", patient=patient)
    assert detected == ["ai-7.tumor-detected", "ai-8.consolidation-detected"]
    sure = await ids(engine, "Observation", component_code_value_quantity="confidence$gt0.8", patient=patient)
    assert sure == ["ai-8.consolidation-detected"]
    large = await ids(
        engine, "Observation", component_code_value_quantity="size_mm$gt3|http://unitsofmeasure.org|cm"
    )
    assert large == ["ai-8.consolidation-detected"]


async def test_a_report_is_found_by_its_finding_and_leads_to_its_model(engine: Engine) -> None:
    assert await ids(engine, "DiagnosticReport", result="Observation/ai-8.consolidation-detected") == [
        "ai-report-8"
    ]
    found = await ids(engine, "Provenance", agent="Device/ai-model-3")
    assert found == ["ai-8"]


async def test_a_verifier_stands_only_where_someone_has_reviewed(engine: Engine) -> None:
    found = await ids(engine, "Provenance", agent_type="verifier")
    assert found == ["ai-1", "ai-7", "ai-8"]


async def test_a_model_that_is_not_told_is_a_name(engine: Engine) -> None:
    found = await resource(engine, "Provenance/ai-900010")
    assert found["agent"][0]["who"] == {"display": "tumor_detection"}


async def test_a_job_in_no_known_state_is_named_as_unreadable(engine: Engine) -> None:
    assert await unreadable(engine, "Task/ai-job-900007") == "it has no status, which every Task must have"
