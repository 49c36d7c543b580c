"""`$story`: where an order stands, by what is really there, and by nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.facade.facade import Facade
from tests.operations.record import record_of
from tests.operations.telling import FIRST, Told, asked, story
from tests.validator import Validator


async def test_every_order_s_story_is_what_the_record_says(facade: Facade) -> None:
    record = await record_of(facade)
    orders = [r["id"] for r in await facade.all("ServiceRequest")]
    assert len(orders) > 50
    for order in orders:
        told = await story(facade, order)
        assert told.found == record.story(f"ServiceRequest/{order}"), order


async def test_every_hop_found_leads_from_one_resource_to_the_next(facade: Facade) -> None:
    record = await record_of(facade)
    seen = set()
    for order in await facade.all("ServiceRequest"):
        for hop in (await story(facade, order["id"])).hops[1:]:
            for address in hop.resources:
                forward, back = hop.of in record.names[address], address in record.names[hop.of]
                itself = (hop.step, address) == ("sign-off", hop.of)
                assert forward or back or itself, (order["id"], hop)
                seen.add(hop.step)
    assert seen == {"specimen", "result", "procedure", "study", "report", "ai-task", "ai-report", "sign-off"}


async def test_a_hop_says_what_a_resource_says(facade: Facade) -> None:
    bundle = await asked(facade, "ServiceRequest/O-2025-000001/$story")
    parameters = bundle["entry"][0]["resource"]["parameter"]
    hops = [p["part"] for p in parameters if p["name"] == "hop"]
    told = [p["part"] for hop in hops for p in hop if p["name"] == "resource"]
    assert [
        {"name": "reference", "valueReference": {"reference": "DiagnosticReport/rad-1"}},
        {"name": "status", "valueCode": "final"},
        {"name": "when", "valueDateTime": "2025-01-08T16:42:00+09:00"},
    ] in told
    # a machine's Provenance says when it made something, not when somebody answered for it
    assert [{"name": "reference", "valueReference": {"reference": "Provenance/ai-1"}}] in told


async def test_an_imaging_order_is_told_to_its_sign_off(facade: Facade) -> None:
    told = await story(facade, "O-2025-000001")
    assert [h.short for h in told.hops] == [
        ("order", "", "found"),
        ("study", "ServiceRequest/O-2025-000001", "found"),
        ("report", "ImagingStudy/ST-2025-000001", "found"),
        ("ai-task", "ImagingStudy/ST-2025-000001", "found"),
        ("ai-report", "Task/ai-job-1", "found"),
        ("result", "DiagnosticReport/ai-report-1", "found"),
        ("sign-off", "DiagnosticReport/rad-1", "found"),
        ("sign-off", "DiagnosticReport/ai-report-1", "found"),
    ]
    assert told.broken is False


async def test_what_is_still_to_come_breaks_no_story(facade: Facade) -> None:
    told = await story(facade, "O-2025-000006")
    assert [(h.step, h.state, h.expected) for h in told.hops[1:]] == [
        ("study", "missing", False),
        ("report", "missing", False),
        ("sign-off", "missing", False),
    ]
    assert told.broken is False
    assert told.of("study")[0].why == "still to come: the order's status is active"


@pytest.mark.parametrize("order", ["O-2025-000018", "oe-order-6"])
async def test_nothing_is_to_come_of_a_draft_or_a_revoked_order(facade: Facade, order: str) -> None:
    told = await story(facade, order)
    assert [h.step for h in told.hops] == ["order"]
    assert told.broken is False


async def test_what_a_completed_order_should_have_is_missed(facade: Facade) -> None:
    told = await story(facade, "O-2025-900001-ABCDEFGHIJKLMNOPQR")
    steps = [(h.step, h.state, h.expected) for h in told.hops[1:]]
    assert steps == [(s, "missing", True) for s in ("specimen", "result", "report", "sign-off")]
    assert told.broken is True


async def test_each_specimen_s_results_are_looked_for(facade: Facade) -> None:
    told = await story(facade, "O-2025-900005")
    assert Told(
        "result",
        "Specimen/S-2025-900002",
        "missing",
        True,
        (),
        "expected, since the order's status is completed; there is none",
    ) in told.of("result")
    assert ("result", "ServiceRequest/O-2025-900005", "found") in [h.short for h in told.of("result")]


async def test_a_rejected_specimen_needs_no_result(facade: Facade) -> None:
    told = await story(facade, "O-2025-000019")
    assert all(h.state == "found" for h in told.hops)


@pytest.mark.parametrize(
    ("job", "expected"), [("Task/ai-job-3", True), ("Task/ai-job-6", False)], ids=["failed", "requested"]
)
async def test_a_failed_job_s_report_is_missed_and_a_waiting_one_s_is_to_come(
    facade: Facade, job: str, expected: bool
) -> None:
    told = await story(facade, "O-2025-000009")
    (hop,) = [h for h in told.of("ai-report") if h.of == job]
    assert (hop.state, hop.expected) == ("missing", expected)
    assert told.broken is True


async def test_a_cancelled_job_needs_no_report(facade: Facade) -> None:
    told = await story(facade, "O-2025-000001")
    assert "Task/ai-job-4" in told.of("ai-task")[0].resources
    assert not [h for h in told.of("ai-report") if h.of == "Task/ai-job-4"]


async def test_a_preliminary_report_waits_for_its_sign_off(facade: Facade) -> None:
    told = await story(facade, "O-2025-000008")
    waiting = {h.of for h in told.of("sign-off") if (h.state, h.expected) == ("missing", False)}
    assert waiting == {f"DiagnosticReport/{i}" for i in ("rad-2", "rad-4", "ai-report-2")}


async def test_a_laboratory_s_final_report_is_its_own_sign_off(facade: Facade) -> None:
    (hop,) = (await story(facade, "O-2025-002001")).of("sign-off")
    report = "DiagnosticReport/labrep-O-2025-002001"
    assert (hop.of, hop.state, hop.resources) == (report, "found", (report,))


async def test_what_openemr_does_not_keep_is_not_missed(facade: Facade) -> None:
    told = await story(facade, "oe-order-4")
    assert [h.step for h in told.hops] == ["order", "result", "report", "sign-off"]


async def test_what_is_another_patient_s_is_told_as_a_conflict(facade: Facade) -> None:
    told = await story(facade, "O-2025-001001")
    text = "Observation/lab-900026 is of Patient/P-2025-900001, the order of Patient/P-2025-000001"
    assert told.conflicts == (text,)
    assert told.broken is True


async def test_a_story_reads_the_same_in_xml(embedded: Facade) -> None:
    response = await embedded.get("ServiceRequest/O-2025-000001/$story", accept="application/fhir+xml")
    assert response.headers["content-type"] == "application/fhir+xml;charset=utf-8"
    assert response.text.count('<step value="') == 0
    assert response.text.count('<name value="hop"/>') == 8


async def test_the_documentation_s_example_is_what_the_server_says(embedded: Facade) -> None:
    page = (Path(__file__).parents[2] / "docs" / "api" / "story.md").read_text("utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", page, re.S)
    bundle = await asked(embedded, "ServiceRequest/O-2025-000017/$story")
    assert json.loads(example) == bundle["entry"][0]["resource"]
    assert len(bundle["entry"]) == 3


async def test_stories_are_valid_fhir(embedded: Facade, validator: Validator) -> None:
    for address in ("ServiceRequest/O-2025-000009", f"Patient/{FIRST}", "ServiceRequest/oe-order-2"):
        assert validator.errors(await asked(embedded, f"{address}/$story")) == []
