"""Every access leaves its events: who, what, whom it is about; and nothing that must not be kept."""

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from fhir_facade.audit import company
from fhir_facade.audit.interaction import interaction
from tests.audit.recording import Recording, query_of
from tests.smart_auth.badges import user

PATIENT = "P-2025-000001"
NUMBER = "610412-1234567"


async def test_a_read_says_who_read_what(recording: Recording) -> None:
    found = await recording.last(f"Patient/{PATIENT}", x_request_id="asked-here.1")
    assert (found["event"], found["outcome"], found["status"]) == ("read", "0", 200)
    assert (found["type"], found["id"], found["patients"]) == ("Patient", PATIENT, [PATIENT])
    assert found["client"] == "test-app"
    assert found["user"] == {
        "subject": "doctor-subject",
        "username": "doctor",
        "name": "Doctor",
        "fhirUser": "Practitioner/user-2",
        "roles": ["doctor"],
    }
    assert found["token"].startswith("token-")
    assert (found["address"], found["request"]) == ("127.0.0.1", "asked-here.1")


async def test_a_search_that_shows_several_patients_is_an_event_of_each(recording: Recording) -> None:
    found = await recording.last("Patient?_count=4")
    events = await recording.events()
    shown = [e["what"]["reference"] for event in events for e in event["entity"] if e["type"]["code"] == "1"]
    assert len(set(found["patients"])) == 4
    assert sorted(shown) == sorted(f"Patient/{p}" for p in found["patients"])
    assert all(sum(e["type"]["code"] == "1" for e in event["entity"]) == 1 for event in events)


async def test_elements_that_are_left_out_don_t_hide_whose_they_are(recording: Recording) -> None:
    whole = await recording.last("Observation?_count=30")
    shaped = await recording.last("Observation?_count=30&_elements=status")
    assert shaped["patients"] == whole["patients"] != []


async def test_included_patients_were_shown(recording: Recording) -> None:
    found = await recording.last("Coverage?_count=2&_include=Coverage:beneficiary")
    assert {e.partition("/")[0] for e in found["entities"]} == {"Coverage", "Patient"}
    assert set(found["patients"]) == {e[8:] for e in found["entities"] if e.startswith("Patient/")}


async def test_whom_a_provenance_is_about_was_shown(recording: Recording) -> None:
    """It names no patient, and what it points at does."""
    page = (await recording.get("Provenance?_count=7")).json()
    shown = [entry["resource"] for entry in page["entry"]]
    owners = [await owner(recording, one["target"][0]["reference"]) for one in shown]
    assert set((await recording.last("Provenance?_count=7"))["patients"]) == set(owners)
    assert len(set(owners)) > 1
    one = await recording.last(f"Provenance/{shown[0]['id']}")
    assert one["patients"] == [owners[0]]
    events = [e for e in await recording.events() if e["subtype"][0]["code"] == "read"]
    [patient] = [e["what"]["reference"] for e in events[-1]["entity"] if e["type"]["code"] == "1"]
    assert patient == f"Patient/{owners[0]}"


async def owner(recording: Recording, reference: str) -> str:
    """Whose a resource is."""
    subject: str = (await recording.get(reference)).json()["subject"]["reference"]
    return subject.removeprefix("Patient/")


async def test_an_operation_says_which_and_whom_it_showed(recording: Recording) -> None:
    whole = await recording.last(f"Patient/{PATIENT}/$everything?_count=1000", "admin")
    assert (whole["event"], whole["status"]) == ("operation", 200)
    assert (whole["type"], whole["id"]) == ("Patient", PATIENT)
    assert whole["patients"] == [PATIENT]
    assert {e.partition("/")[0] for e in whole["entities"]} >= {"Patient", "Observation", "Practitioner"}
    assert "$everything?_count=1000" in query_of(whole)
    latest = await recording.last(f"Observation/$lastn?patient={PATIENT}")
    assert (latest["event"], latest["patients"]) == ("operation", [PATIENT])
    assert {e.partition("/")[0] for e in latest["entities"]} == {"Observation"}
    missing = await recording.last("Patient/nobody/$everything")
    assert (missing["status"], missing["issue"], missing["patients"]) == (404, "not-found", ["nobody"])


async def test_what_an_operation_s_body_asks_is_kept(recording: Recording) -> None:
    token, before = recording.badges.badge("user/*.rs", user("doctor")), len(recording.records())
    named = {"name": "patient", "valueReference": {"reference": f"Patient/{PATIENT}"}}
    sent = orjson.dumps({"resourceType": "Parameters", "parameter": [named]})
    headers = {"authorization": token, "content-type": "application/fhir+json"}
    response = await recording.facade.request("POST", "Observation/$lastn", headers, sent)
    assert response.status_code == 200
    (found,) = recording.records()[before:]
    assert found["patients"] == [PATIENT]
    assert f"patient=Patient/{PATIENT}" in query_of(found)


async def test_the_trail_s_own_pages_come_to_an_end(embedded_recording: Recording) -> None:
    recording, token = embedded_recording, ""
    token = recording.badges.badge("user/*.rs", user("admin"))
    following: str | None = f"Patient/{PATIENT}/$everything?_type=AuditEvent&_count=1"
    for _ in range(3):
        await recording.get(f"Patient/{PATIENT}")
    pages = 0
    while following:
        bundle = (await recording.facade.request("GET", following, {"authorization": token})).json()
        following = next((x["url"] for x in bundle["link"] if x["relation"] == "next"), None)
        pages += 1
        assert pages < 60


async def test_each_page_is_an_access(recording: Recording) -> None:
    first = await recording.get("Patient?_count=2")
    following = next(x["url"] for x in first.json()["link"] if x["relation"] == "next")
    token = recording.badges.badge("user/*.rs", user("doctor"))
    for one in (first, await recording.get("Patient?_count=2")):
        assert one.status_code == 200
    await recording.facade.request("GET", following, {"authorization": token})
    assert len(recording.records()) == 3


async def test_a_head_and_a_304_are_accesses(recording: Recording) -> None:
    first = await recording.get(f"Patient/{PATIENT}", method="HEAD")
    again = await recording.get(f"Patient/{PATIENT}", if_none_match=first.headers["etag"])
    assert (first.status_code, again.status_code) == (200, 304)
    assert [(r["status"], r["patients"]) for r in recording.records()] == [(200, [PATIENT]), (304, [PATIENT])]


@pytest.mark.parametrize(
    ("path", "role", "status", "issue"),
    [
        (f"Patient/{PATIENT}", "", 401, "login"),
        ("Patient/nobody-here", "doctor", 404, "not-found"),
        ("Patient?nonsense=1", "doctor", 400, "not-supported"),
        ("Nonsense/1/2/3", "doctor", 404, "not-found"),
    ],
)
async def test_what_was_refused_is_recorded_too(
    embedded_recording: Recording, path: str, role: str, status: int, issue: str
) -> None:
    found = await embedded_recording.last(path, role)
    assert (found["outcome"], found["status"], found["issue"]) == ("4", status, issue)
    assert "entities" not in found
    assert ("user" in found) == bool(role)


async def test_what_the_server_says_of_itself_is_no_access(embedded_recording: Recording) -> None:
    for path in ("metadata", ".well-known/smart-configuration"):
        await embedded_recording.get(path, "")
    await embedded_recording.get("Patient", "", "OPTIONS")
    assert embedded_recording.records() == []


async def test_a_patient_who_was_asked_for_in_vain_is_named(embedded_recording: Recording) -> None:
    found = await embedded_recording.last(f"Observation?patient={PATIENT}&date=lt1900")
    assert found["patients"] == [PATIENT]
    assert "entities" not in found


async def test_breaking_the_glass_is_recorded_with_its_reason(embedded_recording: Recording) -> None:
    badge = embedded_recording.badges.badge("user/*.rs", user("doctor"), emergency="의식 없음")
    await embedded_recording.facade.request("GET", f"Patient/{PATIENT}", {"authorization": badge})
    (event,) = await embedded_recording.events()
    (purpose,) = event["agent"][2]["purposeOfUse"]
    assert (purpose["coding"][0]["code"], purpose["text"]) == ("BTG", "의식 없음")


async def test_the_raw_query_is_kept_byte_for_byte(embedded_recording: Recording) -> None:
    found = await embedded_recording.last("Patient?name=%EA%B9%80&_count=1&&odd=%27%3B--")
    assert query_of(found) == "GET http://facade.test/api/fhir/Patient?name=%EA%B9%80&_count=1&&odd=%27%3B--"


@pytest.mark.parametrize(
    "path",
    [
        f"Patient?identifier={NUMBER}",
        "Patient?identifier=https%3A%2F%2Fmois.go.kr%2Frrn%7C610412%2D1234567",
        f"Patient/{NUMBER}",
        f"Observation?patient={NUMBER}",
        "Patient?_count=1&access_token=610412x1234567",
    ],
)
async def test_no_number_and_no_token_is_kept(embedded_recording: Recording, path: str) -> None:
    await embedded_recording.get(path)
    found = str(embedded_recording.records()) + query_of(
        next(iter(r for r in embedded_recording.records() if "query" in r), {"query": ""})
    )
    assert "1234567" not in found
    assert "Bearer" not in found


async def test_a_form_is_kept_without_its_numbers(embedded_recording: Recording) -> None:
    badge = embedded_recording.badges.badge("user/*.rs", user("doctor"))
    await embedded_recording.facade.post(
        "Patient/_search", f"identifier={NUMBER}&gender=female", authorization=badge
    )
    (found,) = embedded_recording.records()
    assert query_of(found).endswith("/Patient/_search\n\nidentifier=***&gender=female")


async def test_many_at_once_are_all_recorded(recording: Recording) -> None:
    answers = await asyncio.gather(*(recording.get(f"Patient/{PATIENT}") for _ in range(60)))
    assert {a.status_code for a in answers} == {200}
    assert {r["request"] for r in recording.records()} == {a.headers["x-request-id"] for a in answers}
    assert recording.faults() == []


async def test_a_search_waits_for_nobody_elses_answer(
    embedded_recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company, "EACH", 60.0)
    monkeypatch.setattr(company, "MOST", 60.0)
    others = embedded_recording.facade.app.fhir.company
    with others, others:  # two more requests are under way
        read = asyncio.ensure_future(embedded_recording.get(f"Patient/{PATIENT}"))
        done, _ = await asyncio.wait([read], timeout=1)
        assert not done
        found = await asyncio.wait_for(embedded_recording.get("Patient?_count=20"), 30)
        assert (found.status_code, (await asyncio.wait_for(read, 1)).status_code) == (200, 200)


@pytest.mark.parametrize(
    ("method", "path", "name", "of"),
    [
        ("GET", "", "search-system", ("", "")),
        ("GET", "/Patient", "search-type", ("", "")),
        ("POST", "/Patient/_search", "search-type", ("", "")),
        ("POST", "/_search", "search-system", ("", "")),
        ("GET", "/Patient/1", "read", ("Patient", "1")),
        ("GET", "/Patient/%31/", "read", ("Patient", "1")),
        ("GET", "/Nothing/1", "read", ("", "")),
        ("GET", "/Patient/610412-1234567", "read", ("", "")),
        ("GET", "/_export/1", "export", ("", "")),
        ("GET", "/Patient/%24everything", "operation", ("", "")),
        ("GET", "/Patient/1/_history/2", "vread", ("Patient", "1")),
        ("GET", "/Patient/1/_history", "history-instance", ("Patient", "1")),
        ("GET", "/Patient/_history", "history-type", ("", "")),
        ("GET", "/_history", "history-system", ("", "")),
        ("PUT", "/Patient/1", "update", ("Patient", "1")),
        ("PATCH", "/Patient/1", "patch", ("Patient", "1")),
        ("DELETE", "/Patient/1", "delete", ("Patient", "1")),
        ("POST", "/Patient", "create", ("", "")),
        ("PUT", "/Patient", "update", ("", "")),
        ("PATCH", "/Patient", "patch", ("", "")),
        ("DELETE", "/Patient", "delete", ("", "")),
        ("POST", "", "batch", ("", "")),
        ("GET", "/Patient/1/$everything", "operation", ("Patient", "1")),
        ("GET", "/Patient/1/Observation", "search-type", ("", "")),
        ("PUT", "/a/b/c/d", "request", ("", "")),
        ("GET", "/a/b/c/d", "request", ("", "")),
    ],
)
def test_an_address_is_its_interaction(method: str, path: str, name: str, of: Any) -> None:
    found = interaction(method, path)
    assert (found.name, (found.resource_type, found.id)) == (name, of)


@pytest.mark.parametrize("name", ["O'Hara", "back\\slash'", 'a "b" %s %', "김영희\n\t", "", "x" * 300])
async def test_a_user_of_any_name_is_recorded_under_it(recording: Recording, name: str) -> None:
    holder = replace(user("doctor"), name=name, username=name[:150] or "doctor")
    authorization = recording.badges.badge("user/*.rs", holder)
    record = await recording.last("Patient/P-2025-000001", role="", authorization=authorization)
    assert record["user"]["name"] == (name or "doctor")
    with recording.rows.connect() as connection:
        held = connection.execute(text("SELECT user_name FROM fhir_audit ORDER BY id DESC")).scalars().first()
    assert held == (name or "doctor")[:255]
    assert recording.faults() == []
