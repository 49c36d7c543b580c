# ruff: noqa: S608  the statements hold constants of this file only
"""`$story` as others may see it: what is closed is told as closed, and never told whether it is there."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import orjson
import pytest
from sqlalchemy import text

from tests.facade.facade import Facade, embedded_engine, embedded_folder, execute, link, settings_of, writer
from tests.http.outcomes import refused
from tests.operations.telling import asked, stories, story
from tests.smart_auth.badges import Badges, user

IMAGING, LABORATORY = "O-2025-000001", "O-2025-002004"
MINE, THEIRS = "P-2025-000001", "P-2025-000002"


def told_to(badges: Badges, scopes: str, role: str = "doctor", patient: str = "") -> dict[str, str]:
    """The header of somebody with these scopes."""
    return {"authorization": badges.badge(scopes, user(role), patient=patient)}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded databases, for tests to copy."""
    return embedded_folder(tmp_path_factory.mktemp("story-prepared"))


async def test_a_doctor_is_told_the_whole_story(guarded: Facade, badges: Badges, embedded: Facade) -> None:
    told = await story(guarded, IMAGING, **told_to(badges, "user/*.rs"))
    assert told == await story(embedded, IMAGING)


async def test_types_that_no_scope_opens_are_withheld(guarded: Facade, badges: Badges) -> None:
    token = told_to(badges, "user/ServiceRequest.rs user/ImagingStudy.rs user/DiagnosticReport.rs")
    told = await story(guarded, IMAGING, **token)
    assert [h.short for h in told.hops[1:]] == [
        ("study", f"ServiceRequest/{IMAGING}", "found"),
        ("report", "ImagingStudy/ST-2025-000001", "found"),
        ("ai-task", "ImagingStudy/ST-2025-000001", "withheld"),
        ("ai-report", "ImagingStudy/ST-2025-000001", "found"),
        ("result", "DiagnosticReport/ai-report-1", "withheld"),
        ("sign-off", "DiagnosticReport/rad-1", "withheld"),
        ("sign-off", "DiagnosticReport/ai-report-1", "withheld"),
    ]
    assert told.broken is None
    assert "Task: whether there is one is not told" in told.of("ai-task")[0].why


@pytest.mark.parametrize("order", ["O-2025-000001", "O-2025-000006"])
async def test_who_sees_orders_only_is_told_the_same_of_all_that_is_closed(
    guarded: Facade, badges: Badges, order: str
) -> None:
    told = await story(guarded, order, **told_to(badges, "user/ServiceRequest.rs"))
    states = [(h.step, h.of, h.state) for h in told.hops[1:]]
    steps = ("study", "report", "ai-task", "sign-off")
    assert states == [(s, f"ServiceRequest/{order}", "withheld") for s in steps]


async def test_what_a_role_does_not_open_is_withheld(guarded: Facade, badges: Badges) -> None:
    told = await story(guarded, LABORATORY, **told_to(badges, "user/*.rs", "lab_technician"))
    assert told.state("report") == "found"
    refused(
        await guarded.get(
            f"ServiceRequest/{IMAGING}/$story", **told_to(badges, "user/*.rs", "lab_technician")
        ),
        404,
        "not-found",
    )


async def test_without_a_token_there_is_no_story(guarded: Facade, badges: Badges) -> None:
    refused(await guarded.get(f"ServiceRequest/{IMAGING}/$story"), 401, "login")


@pytest.mark.parametrize("address", [f"ServiceRequest/{IMAGING}/$story", f"Patient/{MINE}/$story"])
async def test_who_may_not_see_orders_is_refused(guarded: Facade, badges: Badges, address: str) -> None:
    answer = await guarded.get(address, **told_to(badges, "user/Patient.rs user/Observation.rs"))
    refused(answer, 403, "forbidden")
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope"'


async def test_a_patient_reads_their_own_stories_only(guarded: Facade, badges: Badges) -> None:
    token = told_to(badges, "patient/*.rs", "patient", MINE)
    told = stories(await asked(guarded, f"Patient/{MINE}/$story?_count=100", **token))
    assert len(told) > 10
    assert {s.state("study") for s in told if s.order == f"ServiceRequest/{IMAGING}"} == {"found"}
    refused(await guarded.get(f"Patient/{THEIRS}/$story", **token), 404, "not-found")
    refused(await guarded.get("ServiceRequest/O-2025-000008/$story", **token), 404, "not-found")


async def test_a_page_link_serves_nobody_else(guarded: Facade, badges: Badges) -> None:
    first = await asked(guarded, f"Patient/{MINE}/$story?_count=1", **told_to(badges, "user/*.rs"))
    following = link(first, "next")
    assert following
    refused(await guarded.get(following, **told_to(badges, "user/*.rs", "nurse")), 400, "invalid")


#: what is closed by its row: (scopes, patient of the launch, order, what hides the row, what removes it)
HIDDEN = {
    "another patient's study": (
        "patient/*.rs",
        MINE,
        IMAGING,
        f"UPDATE ris_radiologystudy SET patient_id = '{THEIRS}' WHERE study_id = 'ST-2025-000001'",
        "UPDATE ris_radiologystudy SET order_id = NULL WHERE study_id = 'ST-2025-000001'",
    ),
    "another patient's job": (
        "patient/*.rs",
        MINE,
        IMAGING,
        f"UPDATE ai_aijob SET patient_id = '{THEIRS}' WHERE study_id = 'ST-2025-000001'",
        "UPDATE ai_aijob SET study_id = NULL WHERE study_id = 'ST-2025-000001'",
    ),
    "results that the scope's search leaves out": (
        "user/ServiceRequest.rs user/Specimen.rs user/Observation.rs?category=vital-signs",
        "",
        LABORATORY,
        "",
        f"DELETE FROM lis_labresult WHERE order_id = '{LABORATORY}'",
    ),
    "reports that the scope's search leaves out": (
        "user/ServiceRequest.rs user/Provenance.rs user/DiagnosticReport.rs?category=LAB",
        "",
        IMAGING,
        "",
        "DELETE FROM ris_radiologyreport WHERE id = 1",
    ),
}


@pytest.mark.parametrize("case", HIDDEN)
async def test_a_hidden_row_is_told_of_as_if_it_were_not_there(
    tmp_path: Path, prepared: Path, case: str
) -> None:
    scopes, patient, order, hide, remove = HIDDEN[case]
    told = {}
    for name, statement in (("as it is", ""), ("hidden", hide), ("gone", remove)):
        folder, badges = copytree(prepared, tmp_path / name), Badges()
        place = Facade(settings_of(folder, enable_security=True), badges)
        if statement:
            execute(writer(place), statement)
        role = "patient" if patient else "doctor"
        address = f"ServiceRequest/{order}/$story"
        answer = await place.get(address, **told_to(badges, scopes, role, patient))
        told[name] = answer.content if answer.status_code == 200 else b""
        await place.close()
    assert told["hidden"] == told["gone"] != b""
    assert not hide or told["hidden"] != told["as it is"]


async def test_what_is_missing_for_who_sees_a_part_is_none_that_they_may_see(
    guarded: Facade, badges: Badges
) -> None:
    scopes = "user/ServiceRequest.rs user/Specimen.rs user/Observation.rs?category=vital-signs"
    told = await story(guarded, LABORATORY, **told_to(badges, scopes))
    assert {h.state for h in told.of("result")} == {"missing"}
    assert all(h.why.endswith("there is none that you may see") for h in told.of("result"))


async def test_everybody_who_is_shown_in_a_story_is_in_the_trail(tmp_path: Path, prepared: Path) -> None:
    folder, badges = copytree(prepared, tmp_path / "recorded"), Badges()
    place = Facade(settings_of(folder, enable_security=True, audit="on"), badges)
    await place.get("ServiceRequest/O-2025-001001/$story", **told_to(badges, "user/*.rs"))
    await place.close()
    with embedded_engine(folder).connect() as connection:
        records = connection.execute(text("SELECT record FROM fhir_audit")).scalars().all()
    (record,) = [orjson.loads(r) for r in records]
    assert (record["event"], record["type"], record["id"]) == ("operation", "ServiceRequest", "O-2025-001001")
    assert record["patients"] == [MINE, "P-2025-900001"]
    assert {"ServiceRequest/O-2025-001001", "Observation/lab-900026"} <= set(record["entities"])
