# ruff: noqa: S608  the statements hold constants of this file only
"""A story takes few statements, reads no whole table, and says what is more than it can tell at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_facade.operations.story.steps import WAVES
from tests.facade.counting import counted
from tests.facade.facade import Facade, embedded_folder, execute, settings_of, writer
from tests.operations.telling import FIRST, asked, issues, stories, story, values


async def test_more_than_can_be_told_at_once_is_said_and_not_missed(embedded_data: Path) -> None:
    facade = Facade(settings_of(embedded_data, include_limit=3))
    try:
        bundle = await asked(facade, "ServiceRequest/O-2025-001001/$story")
        (told,) = stories(bundle)
    finally:
        await facade.close()
    assert {i["code"] for i in issues(bundle)} == {"too-costly"}
    assert [h.state for h in told.of("result")] == ["found", "down"]
    assert told.of("result")[0].resources


async def test_an_order_s_story_takes_a_few_statements_whatever_it_holds(facade: Facade) -> None:
    for order in await facade.all("ServiceRequest"):
        with counted(facade) as statements:
            await story(facade, order["id"])
        assert 0 < len(statements) <= 18, order["id"]


#: how a patient's orders become more of the same, with all that came of them
COPIES = {
    "ocs_order": "order_id = order_id || '-2'",
    "ocs_orderitem": "id = id + 10000000, order_id = order_id || '-2'",
    "lis_specimen": "specimen_id = specimen_id || '-2', order_id = order_id || '-2'",
    "lis_labresult": "id = id + 10000000, order_id = order_id || '-2', specimen_id = specimen_id || '-2'",
    "ris_radiologystudy": "study_id = study_id || '-2', order_id = order_id || '-2'",
    "ris_radiologyreport": "id = id + 10000000, study_id = study_id || '-2'",
    "ai_aijob": "id = id + 10000000, study_id = study_id || '-2', task_id = NULL",
}


def copied() -> Iterator[str]:
    """The statements that make everything twice."""
    for table, changes in COPIES.items():
        yield f"CREATE TEMP TABLE copy_of_{table} AS SELECT * FROM {table}"
        yield f"UPDATE copy_of_{table} SET {changes}"
        yield f"INSERT INTO {table} SELECT * FROM copy_of_{table}"


async def test_many_stories_take_no_more_statements_than_a_few(tmp_path: Path) -> None:
    facade, taken, told = Facade(settings_of(embedded_folder(tmp_path))), list[int](), list[int]()
    for again in (True, False):
        with counted(facade) as statements:
            bundle = await asked(facade, f"Patient/{FIRST}/$story?_count=100")
        taken.append(len(statements))
        told.append(len(stories(bundle)))
        if again:
            execute(writer(facade), *copied())
    await facade.close()
    assert told[1] > 1.5 * told[0] > 30
    assert taken[0] == taken[1] < 40


QUESTIONS = [
    ("Observation?based-on", "ServiceRequest/O-2025-002001"),
    ("Observation?specimen", "Specimen/S-2025-002001"),
    ("Procedure?based-on", "ServiceRequest/O-2025-000003"),
    ("ImagingStudy?basedon", "ServiceRequest/O-2025-000001"),
    ("DiagnosticReport?based-on", "ServiceRequest/O-2025-000001"),
    ("DiagnosticReport?study", "ImagingStudy/ST-2025-000001"),
    ("Task?focus", "ImagingStudy/ST-2025-000001"),
    ("Provenance?target", "DiagnosticReport/rad-1"),
    ("Provenance?target", "DiagnosticReport/ai-report-1"),
]


def test_every_question_of_a_story_is_checked_for_its_plan() -> None:
    asks = {f"{a.resource_type}?{a.param}" for wave in WAVES for a in wave if not a.forward}
    assert asks == {question for question, _ in QUESTIONS}


@pytest.mark.parametrize(("question", "value"), QUESTIONS)
async def test_no_question_of_a_story_reads_a_whole_table(
    embedded: Facade, question: str, value: str
) -> None:
    explained = (await embedded.get(f"{question}={value}&_explain=true")).json()
    parts = [p["part"] for p in explained["parameter"] if p["name"] == "branch"]
    plans = [v for part in parts for step in values(part, "plan") for v in values(step, "note")]
    steps = [v for part in parts for step in values(part, "plan") for v in values(step, "access")]
    assert parts
    assert not [s for s in (*plans, *steps) if s.startswith("SCAN")]
