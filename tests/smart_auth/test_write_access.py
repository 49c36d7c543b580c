"""Who may write what: by type, by row before, and by row after; whatever else happens, nothing is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.facade.facade import Facade, embedded_folder, settings_of
from tests.http.outcomes import refused
from tests.interactions.client import FIRST, SECOND, Client, basic, entry, goal
from tests.interactions.conftest import emptied
from tests.smart_auth.badges import Badges, user

PATIENT = FIRST.partition("/")[2]


class Desk:
    """Hands out clients of callers."""

    def __init__(self, facade: Facade, badges: Badges) -> None:
        self.facade, self.badges = facade, badges

    def client(self, scopes: str, role: str = "doctor", patient: str = "") -> Client:
        """A client of a caller with these scopes; of a backend service, without a role."""
        holder = user(role) if role else None
        return Client(self.facade, authorization=self.badges.badge(scopes, holder, patient=patient))

    @property
    def admin(self) -> Client:
        return self.client("user/*.cruds", "admin")


@pytest_asyncio.fixture
async def desk(guarded: Facade, badges: Badges) -> AsyncIterator[Desk]:
    """The embedded facade with access control; what is written is gone after each test."""
    yield Desk(guarded, badges)
    await emptied(guarded)


async def written(desk: Desk) -> int:
    found: int = (await desk.admin.get("_history")).json()["total"]
    return found


@pytest.mark.parametrize("scopes", ["user/*.rs", "user/Goal.ruds", "user/Flag.c", "patient/Goal.c"])
async def test_a_scope_without_create_creates_nothing(desk: Desk, scopes: str) -> None:
    answer = await desk.client(scopes).post("Goal", goal())
    refused(answer, 403, "forbidden")
    assert "insufficient_scope" in answer.headers["www-authenticate"]
    assert await written(desk) == 0


@pytest.mark.parametrize(
    ("role", "resource", "status"),
    [
        ("doctor", goal(), 201),
        ("nurse", goal(), 201),
        ("radiologist", goal(), 403),
        ("lab_technician", goal(), 403),
        ("pharmacist", goal(), 403),
        ("patient", goal(), 403),
        ("external", goal(), 403),
        ("doctor", basic("x"), 403),
        ("admin", basic("x"), 201),
    ],
)
async def test_a_role_writes_what_its_profession_writes(
    desk: Desk, role: str, resource: dict[str, Any], status: int
) -> None:
    answer = await desk.client("user/*.cruds", role).post(resource["resourceType"], resource)
    assert answer.status_code == status, answer.text
    assert await written(desk) == (1 if status == 201 else 0)


async def test_nobody_writes_without_a_token(desk: Desk) -> None:
    for method, path in (("POST", "Goal"), ("PUT", "Goal/n-1"), ("DELETE", "Goal/n-1"), ("POST", "")):
        refused(await Client(desk.facade).send(method, path, goal()), 401, "login")


async def test_what_would_be_beyond_the_scope_is_not_created(desk: Desk) -> None:
    client = desk.client("user/Goal.cruds?lifecycle-status=active user/Patient.r")
    assert (await client.post("Goal", goal())).status_code == 201
    refused(await client.post("Goal", goal(lifecycleStatus="completed")), 403, "forbidden", "Goal")
    assert await written(desk) == 1


async def test_a_row_cant_be_moved_out_of_what_may_be_written(desk: Desk) -> None:
    made = await desk.admin.made(goal())
    path = f"Goal/{made['id']}"
    client = desk.client("user/Goal.cruds?lifecycle-status=active user/Patient.r")
    refused(await client.put(path, {**made, "lifecycleStatus": "completed"}), 403, "forbidden")
    change = [{"op": "replace", "path": "/lifecycleStatus", "value": "completed"}]
    refused(await client.patch(path, change), 403, "forbidden")
    assert (await desk.admin.get(path)).headers["etag"] == 'W/"1"'


async def test_what_may_be_read_but_not_changed_is_told_and_what_may_not_be_read_isnt(desk: Desk) -> None:
    made = await desk.admin.made(goal())
    path, body = f"Goal/{made['id']}", made
    reader = desk.client("user/Goal.rs user/Goal.cud?lifecycle-status=proposed user/Patient.r")
    blind = desk.client("user/Goal.cruds?lifecycle-status=proposed user/Patient.r")
    for client, update, delete in ((reader, 403, 403), (blind, 405, 404)):
        refused(await client.put(path, body), update)
        refused(await client.delete(path), delete)
        refused(await client.patch(path, []), delete)
    nothing = await blind.put("Goal/n-999999", {**body, "id": "n-999999"})
    hidden = await blind.put(path, body)
    said = [a.json()["issue"][0]["diagnostics"].replace(made["id"], "n-999999") for a in (nothing, hidden)]
    assert said[0] == said[1], "an answer tells whether there is one"
    assert await written(desk) == 1


async def test_a_patients_app_writes_within_the_patients_record(desk: Desk) -> None:
    client = desk.client("patient/Goal.cruds user/Patient.r", patient=PATIENT)
    assert (await client.post("Goal", goal())).status_code == 201
    refused(await client.post("Goal", goal(subject={"reference": SECOND})), 403, "forbidden")
    narrow = desk.client("patient/*.cruds", patient=PATIENT)
    answer = await narrow.post("Goal", goal(subject={"reference": SECOND}))
    refused(answer, 422, "not-found", "Goal.subject.reference")
    assert await written(desk) == 1


async def test_what_may_be_written_but_not_read_is_not_shown(desk: Desk) -> None:
    client = desk.client("user/Goal.c user/Patient.r")
    answer = await client.post("Goal", goal(), prefer="return=representation")
    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["location"]


async def test_criteria_find_only_what_may_be_searched(desk: Desk) -> None:
    await desk.admin.made(goal(identifier=[{"system": "urn:g", "value": "1"}]))
    blind = desk.client("user/Goal.cruds?lifecycle-status=proposed user/Patient.r")
    assert (await blind.delete("Goal?identifier=1")).status_code == 204
    refused(await blind.patch("Goal?identifier=1", []), 404)
    refused(await desk.client("user/Goal.cud user/Patient.r").delete("Goal?identifier=1"), 403)
    through = await desk.client("user/Goal.cruds").delete("Goal?patient.name=Kim")
    refused(through, 403, "forbidden")
    assert (await desk.admin.get("Goal?_summary=count")).json()["total"] == 1


async def test_each_entry_of_a_bundle_is_asked_for_itself(desk: Desk) -> None:
    client = desk.client("user/Goal.cruds user/Patient.r")
    entries = [entry("POST", "Goal", goal()), entry("POST", "Flag", _flag()), entry("GET", "Flag")]
    refused(await client.bundle("transaction", *entries), 403, "forbidden", "Bundle.entry[1]")
    assert await written(desk) == 0
    batch = (await client.bundle("batch", *entries)).json()
    assert [e["response"]["status"][:3] for e in batch["entry"]] == ["201", "403", "403"]


def _flag() -> dict[str, Any]:
    return {
        "resourceType": "Flag",
        "status": "active",
        "code": {"text": "x"},
        "subject": {"reference": FIRST},
    }


async def test_versions_in_a_wrong_record_are_not_the_next_patients(desk: Desk) -> None:
    made = await desk.admin.made(goal(subject={"reference": SECOND}, description={"text": "of another"}))
    path = f"Goal/{made['id']}"
    corrected = {**made, "subject": {"reference": FIRST}, "description": {"text": "of the first"}}
    await desk.admin.put(path, corrected)
    own = desk.client("patient/*.rs", "patient", PATIENT)
    for at in (f"{path}/_history", "Goal/_history", "_history"):
        answer = await own.get(at)
        assert [e["response"]["etag"] for e in answer.json()["entry"]] == ['W/"2"'], at
        assert "of another" not in answer.text
        assert answer.json().get("total", 1) == 1, "no more than what is shown"
    assert (await own.get(f"{path}/_history/2")).status_code == 200
    refused(await own.get(f"{path}/_history/1"), 404, "not-found")
    assert (await desk.admin.get(f"{path}/_history")).json()["total"] == 2


async def test_what_was_deleted_is_told_to_who_could_see_it_and_to_others_it_never_was(desk: Desk) -> None:
    made, others = [await desk.admin.made(goal(subject={"reference": r})) for r in (FIRST, SECOND)]
    path, of_others = f"Goal/{made['id']}", f"Goal/{others['id']}"
    own = desk.client("patient/*.rs", "patient", PATIENT)
    for one in (path, of_others):
        assert (await desk.admin.delete(one)).status_code == 204
        refused(await desk.admin.get(one), 410, "deleted")
    refused(await own.get(path), 410, "deleted")
    refused(await own.get(f"{path}/_history"), 404, "not-found")
    gone, never = await own.get(of_others), await own.get("Goal/n-999999")
    refused(gone, 404, "not-found")
    assert gone.text.replace(others["id"], "n-999999") == never.text
    assert "entry" not in (await own.get("Goal/_history")).json()


async def test_who_deletes_what_they_may_see_is_told_that_it_is_gone(desk: Desk) -> None:
    client = desk.client("patient/Goal.cruds user/Patient.r", patient=PATIENT)
    made = await client.made(goal())
    path = f"Goal/{made['id']}"
    assert (await client.delete(path)).status_code == 204
    refused(await client.get(path), 410, "deleted")
    narrower = desk.client("user/Goal.rs?lifecycle-status=completed user/Patient.r")
    refused(await narrower.get(path), 404, "not-found")
    moved = await desk.admin.put(path, goal(id=made["id"], subject={"reference": SECOND}))
    assert moved.status_code == 201
    refused(await client.get(path), 404, "not-found")
    await desk.admin.delete(path)
    refused(await client.get(path), 404, "not-found")


async def test_a_number_that_one_may_see_is_in_no_version_that_another_reads(
    tmp_path: Path, badges: Badges
) -> None:
    facade = Facade(
        settings_of(embedded_folder(tmp_path), enable_security=True, serve_resident_number=True), badges
    )
    open_, plain = (
        Client(facade, authorization=badges.badge("user/*.cruds", user("admin", *more)))
        for more in (("resident-number",), ())
    )
    path, number = "Patient/P-2025-000001", "https://mois.go.kr/rrn"
    before = (await open_.get(path)).json()
    assert number in str(before["identifier"]), "the demo has a number"
    answer = await open_.put(path, {**before, "gender": "other"})
    assert answer.status_code == 200, answer.text
    assert number in (await open_.get(path)).text
    versions = f"{path}/_history"
    for at in (path, versions, "Patient/_history", f"{versions}/{before['meta']['versionId']}"):
        shown = await plain.get(at)
        assert shown.status_code in (200, 404), at
        assert number not in shown.text, at
    await facade.close()


async def test_tags_are_for_who_may_update(desk: Desk) -> None:
    made = await desk.admin.made(goal())
    path = f"Goal/{made['id']}/$meta-add"
    named = {"name": "meta", "valueMeta": {"tag": [{"system": "urn:t", "code": "a"}]}}
    sent = {"resourceType": "Parameters", "parameter": [named]}
    refused(await desk.client("user/Goal.rs user/Patient.r").post(path, sent), 403, "forbidden")
    refused(await desk.client("user/Goal.cruds").get(path), 405, "not-supported")
    assert (await desk.client("user/Goal.ru user/Patient.r").post(path, sent)).status_code == 200


@pytest.mark.parametrize("scopes", ["user/Goal.u", "user/Goal.u user/Goal.r?lifecycle-status=proposed"])
async def test_a_patch_tells_nothing_to_who_may_not_read(desk: Desk, scopes: str) -> None:
    """Whether its test fails, whether a path leads anywhere, what was tagged already: all of it tells."""
    tag = {"system": "urn:t", "code": "a"}
    made = await desk.admin.made(goal(meta={"tag": [tag]}))
    path, client = f"Goal/{made['id']}", desk.client(f"{scopes} user/Patient.r")
    for guess in ("active", "completed"):
        test = [{"op": "test", "path": "/lifecycleStatus", "value": guess}]
        refused(await client.patch(path, test), 403, "forbidden", "Goal")
    delete = {
        "name": "operation",
        "part": [
            {"name": "type", "valueCode": "delete"},
            {"name": "path", "valueString": "Goal.where(lifecycleStatus = 'active').note"},
        ],
    }
    told = {"resourceType": "Parameters", "parameter": [delete]}
    refused(await client.patch(path, told, content_type="application/fhir+json"), 403, "forbidden", "Goal")
    named = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [tag]}}]}
    answer = await client.post(f"{path}/$meta-add", named)
    refused(answer, 403, "forbidden", "Goal")
    assert "urn:t" not in answer.text
    answer = await client.put(path, {**made, "lifecycleStatus": "completed"})
    assert (answer.status_code, answer.content) == (200, b"")


async def test_what_was_deleted_of_others_is_as_if_it_had_never_been(desk: Desk) -> None:
    """Else its id could be taken over, with its history, by who was never to see it."""
    mine, others = [await desk.admin.made(goal(subject={"reference": r})) for r in (FIRST, SECOND)]
    for one in (mine, others):
        assert (await desk.admin.delete(f"Goal/{one['id']}")).status_code == 204
    client = desk.client("patient/Goal.cruds user/Patient.r", patient=PATIENT)
    path, body = f"Goal/{others['id']}", goal(id=others["id"])
    refused(await client.delete(path), 404, "not-found")
    refused(await client.patch(path, []), 404, "not-found")
    refused(await client.put(path, body), 405, "not-supported")
    again = [entry("PUT", path, body)]
    refused(await client.bundle("transaction", *again), 405, "not-supported")
    assert await written(desk) == 4
    path = f"Goal/{mine['id']}"
    assert (await client.delete(path)).status_code == 204
    refused(await client.patch(path, []), 410, "deleted")
    assert (await client.put(path, goal(id=mine["id"]))).status_code == 201
    assert (await desk.admin.put(f"Goal/{others['id']}", goal(id=others["id"]))).status_code == 201


CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


async def restricted_visit(desk: Desk) -> dict[str, Any]:
    """A visit of a known patient that nurses may not see."""
    found = (await desk.admin.get(f"Encounter?_security={CONFIDENTIALITY}|R")).json()["entry"]
    return next(e["resource"] for e in found if "subject" in e["resource"])


async def shown_versions(client: Client, kind: str, id_: str) -> list[list[str]]:
    """The versions that a caller sees of a resource: by itself, in two histories, one by one."""
    path = f"{kind}/{id_}"
    found = []
    for at in (f"{path}/_history", f"{kind}/_history"):
        answer = await client.get(at)
        assert answer.status_code == 200, answer.text
        entries = [e for e in answer.json().get("entry", []) if e["fullUrl"].endswith(path)]
        found.append([e["response"]["etag"].strip('W/"') for e in entries])
    answers = [(v, await client.get(f"{path}/_history/{v}")) for v in ("3", "2", "1")]
    found.append([v for v, answer in answers if answer.status_code == 200])
    return found


async def test_a_version_that_was_of_a_restricted_visit_stays_closed(desk: Desk) -> None:
    """Entered into the wrong visit and corrected: what was said of the restricted one is still that."""
    visit = await restricted_visit(desk)
    plan = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": visit["subject"]}
    made = await desk.admin.made({**plan, "encounter": {"reference": f"Encounter/{visit['id']}"}})
    path = f"CarePlan/{made['id']}"
    for title in ("corrected", "corrected again"):
        assert (await desk.admin.put(path, {**plan, "id": made["id"], "title": title})).status_code == 200
    nurse, doctor = (desk.client("user/*.rs", role) for role in ("nurse", "doctor"))
    assert await shown_versions(nurse, "CarePlan", made["id"]) == [["3", "2"]] * 3
    assert await shown_versions(doctor, "CarePlan", made["id"]) == [["3", "2", "1"]] * 3


async def test_a_scope_shows_the_versions_that_its_search_would_have_found(desk: Desk) -> None:
    made = await desk.admin.made(goal(lifecycleStatus="proposed"))
    for words in ("begun", "going on"):
        changed = goal(id=made["id"], description={"text": words})
        assert (await desk.admin.put(f"Goal/{made['id']}", changed)).status_code == 200
    narrow = desk.client("user/Goal.rs?lifecycle-status=active")
    assert await shown_versions(narrow, "Goal", made["id"]) == [["3", "2"]] * 3
