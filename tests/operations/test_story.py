# ruff: noqa: S608  the statements hold constants of this file only
"""`$story`: where an order stands, by what is really there, and by nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fhir_facade.operations.story.steps import WAVES
from tests.facade.facade import Facade, Resource, embedded_folder, execute, link, settings_of, writer
from tests.http.outcomes import refused
from tests.operations.telling import Story, Told, asked, issues, stories, story, values
from tests.validator import Validator

FIRST = "P-2025-000001"
#: who answers for a report; that a machine made it is no sign-off
ANSWERABLE = {"author", "verifier", "attester", "legal"}


def references(value: Any) -> Iterator[str]:
    """Every reference anywhere in a resource."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


class Record:
    """Everything in the hospital, by address, as plain reading found it."""

    def __init__(self, resources: list[Resource]) -> None:
        self.by_address = {f"{r['resourceType']}/{r['id']}": r for r in resources}
        self.names = {a: set(references(r)) for a, r in self.by_address.items()}

    def naming(self, kind: str, element: str, targets: set[str]) -> set[str]:
        """The resources of a type whose element refers to any of the targets."""
        of_kind = {a: r for a, r in self.by_address.items() if a.startswith(kind + "/")}
        return {a for a, r in of_kind.items() if targets & set(references(r.get(element)))}

    def named(self, sources: set[str], element: str) -> set[str]:
        """What the sources refer to with an element, as far as it is there."""
        found = {n for s in sources for n in references(self.by_address[s].get(element))}
        return found & self.by_address.keys()

    def story(self, order: str) -> set[str]:
        """All that an order led to, by the resources' own words."""
        root = {order}
        specimens, studies = self.named(root, "specimen"), self.naming("ImagingStudy", "basedOn", root)
        results = self.naming("Observation", "basedOn", root)
        for one in self.naming("Observation", "specimen", specimens):
            if not any(references(self.by_address[one].get("basedOn"))):
                results.add(one)
        reports = self.naming("DiagnosticReport", "basedOn", root)
        reports |= self.naming("DiagnosticReport", "imagingStudy", studies)
        tasks = self.naming("Task", "focus", studies)
        results |= self.named(reports, "result")
        signed = {p for p in self.naming("Provenance", "target", reports) if self.answers(p)}
        procedures = self.naming("Procedure", "basedOn", root)
        return specimens | studies | results | reports | tasks | signed | procedures

    def answers(self, provenance: str) -> bool:
        """Whether a person answers for what a Provenance is about."""
        agents = self.by_address[provenance]["agent"]
        return any(c["code"] in ANSWERABLE for a in agents for c in a["type"]["coding"])


KINDS = ("Specimen", "Observation", "Procedure", "ImagingStudy", "DiagnosticReport", "Task", "Provenance")


async def record_of(facade: Facade) -> Record:
    return Record([r for kind in ("ServiceRequest", *KINDS) for r in await facade.all(kind)])


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


async def pages(facade: Facade, address: str, **headers: str) -> list[Story]:
    """All stories of a patient, page by page."""
    found, following = list[Story](), address
    while following:
        bundle = await asked(facade, following, **headers)
        found += stories(bundle)
        following = link(bundle, "next") or ""
    return found


async def test_a_patient_s_stories_are_all_their_orders_the_latest_first(facade: Facade) -> None:
    record = [
        o for o in await facade.all("ServiceRequest") if f"Patient/{FIRST}" == o["subject"]["reference"]
    ]
    told = await pages(facade, f"Patient/{FIRST}/$story?_count=7")
    assert len(told) > 14
    assert sorted(s.order for s in told) == sorted(f"ServiceRequest/{o['id']}" for o in record)
    authored = {f"ServiceRequest/{o['id']}": o.get("authoredOn", "") for o in record}
    assert [authored[s.order] for s in told] == sorted(authored.values(), reverse=True)
    for one in told:
        assert one == await story(facade, one.order.partition("/")[2])


@pytest.mark.parametrize(
    ("filters", "orders"),
    [
        ("status=draft", ["O-2025-000018"]),
        ("authored=ge2025-11-20&category=http://snomed.info/sct|363679005", ["O-2025-000006"]),
        ("status=entered-in-error", []),
    ],
)
async def test_a_patient_s_orders_are_narrowed_as_in_a_search(
    facade: Facade, filters: str, orders: list[str]
) -> None:
    bundle = await asked(facade, f"Patient/{FIRST}/$story?{filters}")
    assert [s.order for s in stories(bundle)] == [f"ServiceRequest/{o}" for o in orders]
    assert link(bundle, "self") == f"{facade.service.base}/Patient/{FIRST}/$story?{filters}"


async def test_a_patient_s_story_takes_what_parameters_say(facade: Facade) -> None:
    parameter = [{"name": "status", "valueString": "draft"}, {"name": "_count", "valuePositiveInt": 5}]
    body = {"resourceType": "Parameters", "parameter": parameter}
    response = await facade.http.post(f"{facade.service.base}/Patient/{FIRST}/$story", json=body)
    assert [s.order for s in stories(response.json())] == ["ServiceRequest/O-2025-000018"]


@pytest.mark.parametrize(
    ("asked_for", "status", "code"),
    [
        ("ServiceRequest/nobody/$story", 404, "not-found"),
        ("ServiceRequest/O-2025-000004/$story", 404, "not-found"),  # a prescription
        ("ServiceRequest/a_b/$story", 400, "value"),
        ("ServiceRequest/O-2025-000001/$story?status=active", 400, "not-supported"),
        ("Patient/nobody/$story", 404, "not-found"),
        (f"Patient/{FIRST}/$story?colour=red", 400, "not-supported"),
        (f"Patient/{FIRST}/$story?_count=0", 400, None),
        (f"Patient/{FIRST}/$story?_count=x", 400, None),
        (f"Patient/{FIRST}/$story?authored=yesterday", 400, "invalid"),
        (f"Patient/{FIRST}/$story?_cursor=abc", 400, "invalid"),
        ("Encounter/E-2025-000001/$story", 404, "not-supported"),
        ("$story", 404, "not-supported"),
    ],
)
async def test_what_can_not_be_told_is_refused(
    embedded: Facade, asked_for: str, status: int, code: str | None
) -> None:
    refused(await embedded.get(asked_for), status, code)


async def test_a_page_link_tells_no_other_patient_s_story(embedded: Facade) -> None:
    following = link(await asked(embedded, f"Patient/{FIRST}/$story?_count=1"), "next")
    assert following
    refused(await embedded.get(following.replace(FIRST, "P-2025-000002")), 400, "invalid", "_cursor")
    refused(await embedded.get(following.replace(f"Patient/{FIRST}/$story", "ServiceRequest")), 400)


async def test_a_story_reads_the_same_in_xml(embedded: Facade) -> None:
    response = await embedded.get("ServiceRequest/O-2025-000001/$story", accept="application/fhir+xml")
    assert response.headers["content-type"] == "application/fhir+xml;charset=utf-8"
    assert response.text.count('<step value="') == 0
    assert response.text.count('<name value="hop"/>') == 8


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


@asynccontextmanager
async def counted(facade: Facade) -> AsyncIterator[list[str]]:
    """The statements of a facade meanwhile, but for what it looks up every moment, whatever is asked."""
    database, found = facade.service.engine.database, list[str]()
    fetch = database.fetch

    async def counting(sql: str, parameters: Any) -> Any:
        if "fhir_amended" not in sql:
            found.append(sql)
        return await fetch(sql, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "fetch", counting)
        yield found


async def test_an_order_s_story_takes_a_few_statements_whatever_it_holds(facade: Facade) -> None:
    for order in await facade.all("ServiceRequest"):
        async with counted(facade) as statements:
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
        async with counted(facade) as statements:
            bundle = await asked(facade, f"Patient/{FIRST}/$story?_count=100")
        taken.append(len(statements))
        told.append(len(stories(bundle)))
        if again:
            execute(writer(facade), *copied())
    await facade.close()
    assert told[1] > 1.5 * told[0] > 30
    assert taken[0] == taken[1] < 40


async def test_the_documentation_s_example_is_what_the_server_says(embedded: Facade) -> None:
    page = (Path(__file__).parents[2] / "docs" / "api" / "story.md").read_text("utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", page, re.S)
    bundle = await asked(embedded, "ServiceRequest/O-2025-000017/$story")
    assert json.loads(example) == bundle["entry"][0]["resource"]
    assert len(bundle["entry"]) == 3


async def test_stories_are_valid_fhir(embedded: Facade, validator: Validator) -> None:
    for address in ("ServiceRequest/O-2025-000009", f"Patient/{FIRST}", "ServiceRequest/oe-order-2"):
        assert validator.errors(await asked(embedded, f"{address}/$story")) == []


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
