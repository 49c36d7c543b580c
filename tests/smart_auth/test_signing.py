"""Any radiologist may sign or amend a colleague's report, nobody else may, and who did is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.facade.facade import Facade, embedded_folder, execute, settings_of, writer
from tests.http.outcomes import refused
from tests.smart_auth.badges import Badges
from tests.smart_auth.desk import COLLEAGUE, Desk, draft

AUTHOR = "Practitioner/user-6"
#: who wrote, and who answers for what it says
NAMES = ("performer", "resultsInterpreter")


@pytest_asyncio.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory, badges: Badges) -> AsyncIterator[Facade]:
    """A hospital of its own, whose reports are written."""
    folder = embedded_folder(tmp_path_factory.mktemp("signing"))
    facade = Facade(settings_of(folder, enable_security=True, audit="on"), badges)
    yield facade
    await facade.close()


@pytest.fixture
def desk(place: Facade, badges: Badges) -> Desk:
    return Desk(place, badges)


def by(who: str) -> list[dict[str, str]]:
    return [{"reference": who}]


async def preliminary(desk: Desk) -> dict[str, Any]:
    """A preliminary report of the demo's radiologist, as others read it."""
    made = await desk.author.made(draft(status="preliminary"))
    found: dict[str, Any] = (await desk.colleague.get(f"DiagnosticReport/{made['id']}")).json()
    return found


def names(report: dict[str, Any]) -> list[list[str]]:
    return [[one["reference"] for one in report.get(name, ())] for name in NAMES]


async def agents(desk: Desk, report: dict[str, Any]) -> dict[str, str]:
    """Who did what, as the report's Provenance says."""
    found = (await desk.author.get(f"Provenance/{report['id']}")).json()
    return {one["type"]["coding"][0]["code"]: one["who"]["reference"] for one in found["agent"]}


async def test_who_signs_anothers_report_is_told_and_who_wrote_it_too(desk: Desk) -> None:
    read = await preliminary(desk)
    path = f"DiagnosticReport/{read['id']}"
    answer = await desk.colleague.put(
        path, {**read, "status": "final", "resultsInterpreter": by(COLLEAGUE), "conclusion": "출혈 없음"}
    )
    assert answer.status_code == 200, answer.text
    signed = (await desk.client("doctor").get(path)).json()
    assert names(signed) == [[AUTHOR], [COLLEAGUE]]
    assert await agents(desk, signed) == {"author": AUTHOR, "verifier": COLLEAGUE}
    for name, who, there in (
        ("performer", AUTHOR, 1),
        ("performer", COLLEAGUE, 0),
        ("results-interpreter", COLLEAGUE, 1),
        ("results-interpreter", AUTHOR, 0),
    ):
        found = await desk.author.get(f"DiagnosticReport?_id={read['id']}&{name}={who}&_summary=count")
        assert found.json()["total"] == there, (name, who)
    key = read["id"].removeprefix("rad-")
    sql = f"SELECT radiologist_id, status, impression FROM ris_radiologyreport WHERE id = {key}"  # noqa: S608
    rows = await desk.facade.service.engine.database.fetch(sql, ())
    assert [tuple(row) for row in rows] == [(6, "final", "출혈 없음")]
    sql = f"SELECT author FROM fhir_version WHERE resource_id = '{read['id']}' ORDER BY id"  # noqa: S608
    rows = await desk.facade.service.engine.database.fetch(sql, ())
    assert [row[0] for row in rows] == [AUTHOR, COLLEAGUE]
    audited = (await desk.client("admin").get(f"AuditEvent?entity={path}&_count=200")).json()["entry"]
    changes = [e["resource"] for e in audited if e["resource"].get("action") == "U"]
    assert COLLEAGUE in str(changes[0]["agent"])
    assert AUTHOR not in str(changes)
    told = (await desk.author.get(f"{path}/_history")).json()["entry"]
    assert [names(e["resource"])[1] for e in told] == [[COLLEAGUE], []]


async def test_an_amendment_is_its_signers_too(desk: Desk) -> None:
    read = await preliminary(desk)
    path = f"DiagnosticReport/{read['id']}"
    signed = (await desk.author.put(path, {**read, "status": "final"})).json()
    assert await agents(desk, signed) == {"author": AUTHOR, "verifier": AUTHOR}
    amended = {**signed, "status": "amended", "conclusion": "소량의 출혈"}
    refused(
        await desk.colleague.put(path, amended), 422, "business-rule", "DiagnosticReport.resultsInterpreter"
    )
    answer = await desk.colleague.put(path, {**amended, "resultsInterpreter": by(COLLEAGUE)})
    assert answer.status_code == 200, answer.text
    assert names(answer.json()) == [[AUTHOR], [COLLEAGUE]]
    again = {**answer.json(), "conclusion": "출혈", "resultsInterpreter": by(AUTHOR)}
    assert names((await desk.author.put(path, again)).json()) == [[AUTHOR], [AUTHOR]]
    assert await agents(desk, read) == {"author": AUTHOR, "verifier": AUTHOR}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({}, "resultsInterpreter"),
        ({"resultsInterpreter": by(AUTHOR)}, "resultsInterpreter"),
        ({"resultsInterpreter": [{"display": "임현우"}]}, "resultsInterpreter"),
        ({"performer": by(COLLEAGUE), "resultsInterpreter": by(COLLEAGUE)}, "performer"),
        ({"performer": [], "resultsInterpreter": by(COLLEAGUE)}, "performer"),
    ],
)
async def test_nobody_signs_in_anothers_name_or_takes_the_author_away(
    desk: Desk, changes: dict[str, Any], path: str
) -> None:
    read = await preliminary(desk)
    sent = {k: v for k, v in {**read, "status": "final", **changes}.items() if v}
    answer = await desk.colleague.put(f"DiagnosticReport/{read['id']}", sent)
    refused(answer, 422, "business-rule", f"DiagnosticReport.{path}")
    now = (await desk.author.get(f"DiagnosticReport/{read['id']}")).json()
    assert now == read


async def test_what_a_final_report_says_changes_only_by_amending_it(desk: Desk) -> None:
    read = await preliminary(desk)
    path = f"DiagnosticReport/{read['id']}"
    signed = (await desk.author.put(path, {**read, "status": "final"})).json()
    sent = {**signed, "conclusion": "다른 소견"}
    refused(await desk.author.put(path, sent), 422, "business-rule", "DiagnosticReport.conclusion")
    sql = f"SELECT signed_at FROM ris_radiologyreport WHERE id = {read['id'].removeprefix('rad-')}"  # noqa: S608
    before = await desk.facade.service.engine.database.fetch(sql, ())
    assert (await desk.author.put(path, signed)).status_code == 200
    assert await desk.facade.service.engine.database.fetch(sql, ()) == before


async def test_only_radiologists_write_reports(desk: Desk) -> None:
    read = await preliminary(desk)
    for role in ("doctor", "nurse", "lab_technician", "pharmacist"):
        client = desk.client(role)
        sent = {**read, "status": "final", "resultsInterpreter": by("Practitioner/user-2")}
        refused(await client.put(f"DiagnosticReport/{read['id']}", sent), 403)
        refused(await client.post("DiagnosticReport", draft(status="preliminary")), 403)
    answer = await desk.client("admin").post(
        "DiagnosticReport", draft(category=[{"coding": [{"code": "LAB", "system": _SECTIONS}]}])
    )
    refused(answer, 422, "business-rule", "DiagnosticReport.category")


async def test_a_signature_of_the_old_application_counts_after_ours(desk: Desk) -> None:
    read = await preliminary(desk)
    path = f"DiagnosticReport/{read['id']}"
    sent = {**read, "status": "final", "resultsInterpreter": by(COLLEAGUE)}
    assert (await desk.colleague.put(path, sent)).status_code == 200
    key = read["id"].removeprefix("rad-")
    sql = "UPDATE ris_radiologyreport SET status = 'amended', signed_at = '2026-01-02 03:04:05',"
    execute(writer(desk.facade), f"{sql} updated_at = '2026-01-02 03:04:05' WHERE id = {key}")
    now = (await desk.author.get(path)).json()
    assert names(now) == [[AUTHOR], [AUTHOR]]
    assert await agents(desk, now) == {"author": AUTHOR}


_SECTIONS = "http://terminology.hl7.org/CodeSystem/v2-0074"
