"""Writes leave events with whom they were about before and after. (IHE BALP: Create, Update, Delete)"""

from __future__ import annotations

from typing import Any

from tests.audit.recording import Recording
from tests.interactions.client import FIRST, SECOND, Client, basic, entry, goal
from tests.smart_auth.badges import user

A, B = FIRST.partition("/")[2], SECOND.partition("/")[2]


def doctor(recording: Recording, scopes: str = "user/*.cruds") -> Client:
    """A client of a doctor's."""
    badge = recording.badges.badge(scopes, user("admin"))
    return Client(recording.facade, authorization=badge)


def told(record: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(record.get(name) for name in ("event", "type", "id", "outcome", "patients"))


async def test_each_write_names_its_resource_and_its_patients(embedded_recording: Recording) -> None:
    client = doctor(embedded_recording)
    made = await client.made(goal())
    path, id_ = f"Goal/{made['id']}", made["id"]
    await client.put(path, {**made, "subject": {"reference": SECOND}})
    await client.patch(path, [{"op": "replace", "path": "/lifecycleStatus", "value": "completed"}])
    await client.delete(path)
    await client.put(path, {**made, "colour": "red"})
    assert [told(r) for r in embedded_recording.records()] == [
        ("create", "Goal", id_, "0", [A]),
        ("update", "Goal", id_, "0", [B, A]),
        ("patch", "Goal", id_, "0", [B]),
        ("delete", "Goal", id_, "0", [B]),
        ("update", "Goal", id_, "4", None),
    ]
    actions = {e["subtype"][0]["code"]: e["action"] for e in await embedded_recording.events()}
    assert actions == {"create": "C", "update": "U", "patch": "U", "delete": "D"}


async def test_what_criteria_found_is_named(embedded_recording: Recording) -> None:
    client = doctor(embedded_recording)
    made = await client.put("Basic?identifier=one", basic("one"))
    id_ = made.json()["id"]
    await client.delete("Basic?identifier=one")
    assert [told(r)[:3] for r in embedded_recording.records()] == [
        ("update", "Basic", id_),
        ("delete", "Basic", id_),
    ]


async def test_each_request_of_a_bundle_is_recorded(embedded_recording: Recording) -> None:
    client = doctor(embedded_recording)
    response = await client.bundle(
        "transaction", entry("POST", "Goal", goal()), entry("GET", FIRST), entry("GET", "Basic?identifier=x")
    )
    id_ = response.json()["entry"][0]["response"]["location"].split("/")[1]
    records = embedded_recording.records()
    assert [told(r)[:3] for r in records] == [
        ("transaction", None, None),
        ("create", "Goal", id_),
        ("read", "Patient", A),
        ("search-type", None, None),
    ]
    assert records[0]["patients"] == [A]
    assert {r["request"] for r in records} == {response.headers["x-request-id"]}
    await client.bundle("batch", entry("GET", "Patient/nobody"))
    assert [(r["event"], r["status"]) for r in embedded_recording.records()[4:]] == [
        ("batch", 200),
        ("read", 404),
    ]
    assert embedded_recording.faults() == []
