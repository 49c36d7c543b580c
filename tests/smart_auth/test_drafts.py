"""A registered report is its author's alone: nobody else finds, counts, follows or guesses it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from smart_auth.access.policy import policy
from tests.facade.facade import Facade, embedded_folder, execute, ids, settings_of, writer
from tests.http.outcomes import refused
from tests.interactions.client import entry
from tests.smart_auth.badges import Badges
from tests.smart_auth.desk import COLLEAGUE, PATIENT, STUDY, Desk, draft

ORDER = "O-2025-000008"
#: the demo's own draft, of user-6
OLD = "DiagnosticReport/rad-4"
ALLOWING = "role,resource_type,permissions,rows,query\nadmin,*,rs,all,\nadmin,DiagnosticReport,rs,drafts,\n"


@pytest_asyncio.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory, badges: Badges) -> AsyncIterator[Facade]:
    """A hospital of its own, whose reports are written."""
    folder = embedded_folder(tmp_path_factory.mktemp("drafts"))
    facade = Facade(settings_of(folder, enable_security=True), badges)
    yield facade
    await facade.close()


@pytest.fixture
def desk(place: Facade, badges: Badges) -> Desk:
    return Desk(place, badges)


async def test_its_author_reads_back_what_they_wrote_and_finds_it(desk: Desk) -> None:
    sent = draft()
    made = await desk.author.made(sent)
    read = (await desk.author.get(f"DiagnosticReport/{made['id']}")).json()
    assert {k: v for k, v in read.items() if k not in ("id", "meta", "text")} == sent
    found = (await desk.author.get("DiagnosticReport?status=registered&_total=accurate")).json()
    assert f"DiagnosticReport/{made['id']}" in ids(found)
    history = (await desk.author.get(f"DiagnosticReport/{made['id']}/_history")).json()
    assert [e["resource"]["conclusion"] for e in history["entry"]] == ["출혈 의심"]


async def test_nobody_else_is_told_of_it_by_any_way(desk: Desk) -> None:
    made = await desk.author.made(draft())
    id_, version = made["id"], made["meta"]["versionId"]
    finding = [
        f"DiagnosticReport?_id={id_}&_total=accurate",
        f"DiagnosticReport?study=ImagingStudy/{STUDY}&_count=200",
        "DiagnosticReport?_count=200",
        f"ImagingStudy?_id={STUDY}&_revinclude=DiagnosticReport:study",
        f"Patient/{PATIENT}/DiagnosticReport?_count=200",
        f"Patient/{PATIENT}/$everything?_count=500",
        "DiagnosticReport/_history",
    ]
    writers = desk.writers
    for client in [*writers, *desk.readers]:
        for path in (f"DiagnosticReport/{id_}", f"DiagnosticReport/{id_}/_history/{version}"):
            refused(await client.get(path), 404, "not-found")
        refused(await client.get(f"DiagnosticReport/{id_}/_history"), 404, "not-found")
        written = await client.put(f"DiagnosticReport/{id_}", made, if_match='W/"1"')
        refused(written, 405 if client in writers else 403)
        for path in finding:
            answer = await client.get(path)
            assert answer.status_code in (200, 403), f"{path}: {answer.text[:300]}"
            assert id_ not in [e["resource"].get("id") for e in answer.json().get("entry", [])], path
        counted = await client.get(f"DiagnosticReport?_id={id_}&_summary=count")
        assert counted.json()["total"] == 0
        asked = await client.get(f"ImagingStudy?_has:DiagnosticReport:study:_id={id_}&_summary=count")
        assert asked.status_code == 403 or asked.json()["total"] == 0
        batch = await client.bundle("batch", entry("GET", f"DiagnosticReport/{id_}"))
        assert batch.json()["entry"][0]["response"]["status"].startswith("404")


async def test_once_released_it_is_everybodys_and_what_it_was_before_stays_its_authors(desk: Desk) -> None:
    made = await desk.author.made(draft())
    path, version = f"DiagnosticReport/{made['id']}", made["meta"]["versionId"]
    released = {**made, "status": "preliminary", "conclusion": "출혈 없음"}
    assert (await desk.author.put(path, released)).status_code == 200
    for client in desk.others:
        assert (await client.get(path)).json()["conclusion"] == "출혈 없음"
        refused(await client.get(f"{path}/_history/{version}"), 404, "not-found")
        told = (await client.get(f"{path}/_history")).json()
        assert [e["resource"]["status"] for e in told["entry"]] == ["preliminary"]
        assert "출혈 의심" not in (await client.get("DiagnosticReport/_history")).text
    assert (await desk.author.get(f"{path}/_history/{version}")).json()["conclusion"] == "출혈 의심"


async def test_it_goes_on_to_be_signed_and_amended_and_never_back(desk: Desk) -> None:
    made = await desk.author.made(draft())
    path = f"DiagnosticReport/{made['id']}"
    for status in ("preliminary", "final", "amended"):
        answer = await desk.author.put(path, {**made, "status": status})
        assert answer.status_code == 200, answer.text
        back = await desk.author.put(path, made)
        assert (back.status_code, back.json()["issue"][0]["expression"]) == (422, ["DiagnosticReport.status"])


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"performer": [{"reference": COLLEAGUE}]}, 403),
        ({"performer": []}, 422),
        ({"performer": [{"display": "임현우"}]}, 422),
        ({"resultsInterpreter": [{"reference": COLLEAGUE}]}, 422),
    ],
)
async def test_a_draft_names_its_author_and_nobody_else(
    desk: Desk, changes: dict[str, Any], status: int
) -> None:
    before = (await desk.author.get("DiagnosticReport?_summary=count")).json()["total"]
    sent = {k: v for k, v in draft(**changes).items() if v}
    refused(await desk.author.post("DiagnosticReport", sent), status)
    assert (await desk.author.get("DiagnosticReport?_summary=count")).json()["total"] == before


async def test_what_the_old_application_drafted_is_as_closed_and_as_if_it_were_not_there(
    tmp_path: Path, badges: Badges
) -> None:
    told = {}
    for name, sql in (("there", "UPDATE ris_radiologyreport SET signed_at = updated_at WHERE id = 4"),
                      ("gone", "DELETE FROM ris_radiologyreport WHERE id = 4")):  # fmt: skip
        facade = Facade(settings_of(embedded_folder(tmp_path / name), enable_security=True), badges)
        execute(writer(facade), sql)
        desk = Desk(facade, badges)
        if name == "there":
            assert (await desk.author.get(OLD)).json()["status"] == "registered"
        paths = (f"ServiceRequest/{ORDER}/$story", f"ImagingStudy/{STUDY}", "Provenance?_count=200", OLD)
        doctor = desk.client("doctor")
        told[name] = [(await doctor.get(path)).text for path in paths]
        await facade.close()
    assert told["there"] == told["gone"]


async def test_a_draft_without_an_author_is_nobodys_but_whose_the_policy_says(
    tmp_path: Path, place: Facade, badges: Badges
) -> None:
    (tmp_path / "policy.csv").write_text(ALLOWING)
    folder, table = place.settings.data_path, str(tmp_path / "policy.csv")
    facade = Facade(settings_of(folder, enable_security=True, access_policy=table), badges)
    execute(writer(place), "UPDATE ris_radiologyreport SET radiologist_id = NULL WHERE id = 4")
    desk, allowing = Desk(place, badges), Desk(facade, badges)
    for client in [desk.author, *desk.others]:
        refused(await client.get(OLD), 404, "not-found")
    assert (await allowing.client("admin").get(OLD)).json()["status"] == "registered"
    made = await desk.author.made(draft())
    path = f"DiagnosticReport/{made['id']}/_history/{made['meta']['versionId']}"
    assert (await allowing.client("admin").get(path)).status_code == 200
    await facade.close()


def test_the_packaged_policy_opens_drafts_to_nobody() -> None:
    assert not [rule for rule in policy().rules if rule.rows == "drafts"]


async def test_where_access_control_is_off_all_is_seen(embedded: Facade) -> None:
    assert (await embedded.get(OLD)).json()["status"] == "registered"
