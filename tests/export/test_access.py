"""Whose an export is, what it holds for whom, and what of it is recorded."""

from __future__ import annotations

import base64
import json

import pytest

from smart_auth.store.transaction import now
from tests.export.client import (
    ASYNC,
    FIRST,
    SECOND,
    exported,
    exports_of,
    finished,
    kicked_off,
    lines,
    posted,
)
from tests.export.guarded import DOCTOR, NURSE, PATIENT, Guarded
from tests.smart_auth.app import register, server_of


async def test_a_service_exports_what_its_scopes_open(guarded: Guarded) -> None:
    _, authorization = guarded.service("system/Patient.rs system/Observation.rs?status=final")
    found = await exported(guarded.facade, "$export", authorization=authorization)
    assert found.keys() <= {"Patient", "Observation", "OperationOutcome"}
    everything = await guarded.facade.read_all("Observation")
    finals = {r["id"] for r in everything if r["status"] == "final"}
    assert {r["id"] for r in found["Observation"]} == finals
    assert len(finals) < len(everything)


async def test_a_type_that_is_closed_is_refused_and_none_is_made(guarded: Guarded) -> None:
    _, authorization = guarded.service("system/Patient.rs")
    for path in ("$export?_type=Observation", "$export?_type=Patient,Observation"):
        answer = await guarded.facade.get(path, authorization=authorization, **ASYNC)
        assert answer.status_code == 403
        assert "insufficient_scope" in answer.headers["www-authenticate"]
    path = "$export?_type=Patient&_typeFilter=Patient?_has:Observation:patient:status=final"
    assert (await guarded.facade.get(path, authorization=authorization, **ASYNC)).status_code == 403
    assert not await exports_of(guarded.facade).runner.run_one()


async def test_nobody_gets_nothing(guarded: Guarded) -> None:
    _, authorization = guarded.service("system/Patient.rs")
    assert (await guarded.facade.get("$export", **ASYNC)).status_code == 401
    address = await kicked_off(guarded.facade, "$export", authorization=authorization)
    manifest = await finished(guarded.facade, address, authorization=authorization)
    assert manifest["requiresAccessToken"] is True
    for url in (address, manifest["output"][0]["url"]):
        answer = await guarded.facade.get(url)
        assert answer.status_code == 401
        assert "www-authenticate" in answer.headers
    assert (await guarded.facade.request("DELETE", address)).status_code == 401


async def test_an_export_is_its_clients_users_and_launches_own(guarded: Guarded) -> None:
    app, other = register(guarded.facade).client_id, register(guarded.facade).client_id
    mine = guarded.token(app, "user/*.rs", DOCTOR)
    address = await kicked_off(guarded.facade, "$export?_type=Patient", authorization=mine)
    manifest = await finished(guarded.facade, address, authorization=mine)
    url = manifest["output"][0]["url"]
    others = (
        guarded.token(other, "user/*.rs", DOCTOR),
        guarded.token(app, "user/*.rs", NURSE),
        guarded.token(app, "user/*.rs", DOCTOR, patient=FIRST),
        guarded.service()[1],
    )
    for authorization in others:
        for method, target in (("GET", address), ("GET", url), ("DELETE", address)):
            answer = await guarded.facade.request(method, target, {"authorization": authorization})
            assert answer.status_code == 404
    again = guarded.token(app, "user/*.rs", DOCTOR)  # a later token of the same
    assert (await guarded.facade.get(url, authorization=again)).status_code == 200


async def test_a_file_needs_a_scope_for_its_type(guarded: Guarded) -> None:
    client_id, authorization = guarded.service("system/Patient.rs system/Observation.rs")
    address = await kicked_off(guarded.facade, "$export", authorization=authorization)
    manifest = await finished(guarded.facade, address, authorization=authorization)
    less = guarded.token(client_id, "system/Patient.rs")
    statuses = {
        o["type"]: (await guarded.facade.get(o["url"], authorization=less)).status_code
        for o in manifest["output"]
    }
    assert statuses == {"Patient": 200, "Observation": 403}


async def test_a_patient_exports_their_own_record(guarded: Guarded) -> None:
    app = register(guarded.facade).client_id
    authorization = guarded.token(app, "patient/*.rs", PATIENT, patient=FIRST)
    found = await exported(guarded.facade, "Patient/$export", authorization=authorization)
    assert {r["id"] for r in found["Patient"]} == {FIRST}
    assert found["Observation"]
    for observation in found["Observation"]:
        assert observation["subject"]["reference"] == f"Patient/{FIRST}"
    other = {"name": "patient", "valueReference": {"reference": f"Patient/{SECOND}"}}
    answer = await posted(guarded.facade, "Patient/$export", other, authorization=authorization)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["code"] == "not-found"


async def test_broken_glass_is_for_looking_only(guarded: Guarded) -> None:
    app = register(guarded.facade).client_id
    authorization = guarded.token(app, "patient/*.rs", DOCTOR, patient=FIRST, emergency="unconscious")
    answer = await guarded.facade.get("Patient/$export", authorization=authorization, **ASYNC)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (403, "forbidden")


@pytest.mark.parametrize("how", ["the client", "the grant", "the token"])
async def test_what_is_revoked_ends_the_export(guarded: Guarded, how: str) -> None:
    server, app = server_of(guarded.facade), register(guarded.facade).client_id
    authorization = guarded.token(app, "user/*.rs", DOCTOR)
    address = await kicked_off(guarded.facade, "$export", authorization=authorization)
    if how == "the client":
        server.clients.revoke(app, 3600)
    elif how == "the grant":
        server.families.revoke_token(f"grant-{app}", now() + 3600)
    else:
        part = authorization.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        server.families.revoke_token(claims["jti"], now() + 3600)
    runner = exports_of(guarded.facade).runner
    assert await runner.run_one()
    job = runner.jobs.get(address.rpartition("/")[2])
    assert job is not None
    assert job.state == "failed"
    assert not (guarded.facade.settings.data_path / "export" / job.id).exists()
    if how == "the token":
        fresh = guarded.token(app, "user/*.rs", DOCTOR)
        answer = await guarded.facade.get(address, authorization=fresh)
        assert answer.status_code == 500
        assert answer.json()["issue"][0]["code"] == "forbidden"


async def test_whoever_is_shown_is_in_the_trail_before_anything_can_be_downloaded(guarded: Guarded) -> None:
    client_id, authorization = guarded.service("system/Patient.rs system/Observation.rs")
    address = await kicked_off(guarded.facade, "$export?_type=Observation", authorization=authorization)
    [begun] = guarded.events()
    assert (begun["status"], begun["client"], begun.get("patients")) == (202, client_id, None)
    assert "$export?_type=Observation" in base64.b64decode(begun["query"]).decode()
    assert (await guarded.facade.get(address, authorization=authorization)).status_code == 202
    while await exports_of(guarded.facade).runner.run_one():
        pass
    job_id, told = address.rpartition("/")[2], guarded.events()[1:]
    shown = [p for event in told for p in event["patients"]]
    assert {(e["client"], e["details"]["export"], e["query"]) for e in told} == {
        (client_id, job_id, begun["query"])
    }
    manifest = await finished(guarded.facade, address, authorization=authorization)
    [entry] = manifest["output"]
    resources = await lines(guarded.facade, entry, authorization=authorization)
    references = {r["subject"]["reference"].removeprefix("Patient/") for r in resources if "subject" in r}
    assert set(shown) == references
    assert len(shown) == len(set(shown))
    *_, listed, downloaded = guarded.events()
    assert (listed["status"], downloaded["status"]) == (200, 200)
    assert base64.b64decode(downloaded["query"]).decode() == f"GET {entry['url']}"


async def test_whom_provenance_alone_is_about_is_in_the_trail(guarded: Guarded) -> None:
    """It names no patient; its targets, which are not exported, do."""
    _, authorization = guarded.service("system/*.rs")
    address = await kicked_off(guarded.facade, "$export?_type=Provenance", authorization=authorization)
    manifest = await finished(guarded.facade, address, authorization=authorization)
    [entry] = manifest["output"]
    targets = {
        target["reference"]
        for resource in await lines(guarded.facade, entry, authorization=authorization)
        for target in resource["target"]
    }
    read = [(await guarded.facade.get(t, authorization=authorization)).json() for t in targets]
    owners = {resource["subject"]["reference"].removeprefix("Patient/") for resource in read}
    assert len(owners) > 1
    shown = [p for event in guarded.events() for p in event.get("patients") or ()]
    assert sorted(shown) == sorted(owners)


async def test_what_can_not_be_recorded_is_not_exported(guarded: Guarded) -> None:
    _, authorization = guarded.service("system/Patient.rs")
    address = await kicked_off(guarded.facade, "$export", authorization=authorization)
    with guarded.rows.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE fhir_audit RENAME TO fhir_audit_away")
    try:
        assert await exports_of(guarded.facade).runner.run_one()
    finally:
        with guarded.rows.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE fhir_audit_away RENAME TO fhir_audit")
    job = exports_of(guarded.facade).jobs.get(address.rpartition("/")[2])
    assert job is not None
    assert (job.state, job.checkpoint) == ("requested", "")
