"""Nobody is told of a deletion who wouldn't have seen the resource, nor where that can't be decided."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from mappers.facade.tables import fhir_version
from mappers.transaction import transaction
from smart_auth.access.caller import User
from tests.export.client import FIRST, SECOND, exports_of, finished, kicked_off
from tests.export.deleting import OTHERS, SINCE, TYPES, allergy, deleted, goal, told
from tests.export.guarded import DOCTOR, NURSE, PATIENT, Guarded
from tests.smart_auth.app import register
from tests.writes.conftest import Written
from tests.writes.samples import sample
from tests.writes.test_confidentiality import restricted_visit

#: what the tests beside this one show on every database needs one here
EMBEDDED = pytest.mark.parametrize("guarded", ["embedded"], indirect=True)
PATH = f"$export?{TYPES}&_since={SINCE}"


def person(guarded: Guarded, user: User, scopes: str = "user/*.rs", **context: str) -> str:
    """The Authorization header of an app that somebody uses."""
    return guarded.token(register(guarded.facade).client_id, scopes, user, **context)


async def test_a_patient_is_told_of_their_own_record_only(
    guarded: Guarded, guarded_deleting: Written
) -> None:
    mine = [await deleted(guarded_deleting, goal(FIRST)), await deleted(guarded_deleting, allergy())]
    others = [
        await deleted(guarded_deleting, goal(SECOND)),
        await deleted(guarded_deleting, allergy(**OTHERS)),
    ]
    patient = person(guarded, PATIENT, "patient/*.rs", patient=FIRST)
    types = "_type=AllergyIntolerance,Goal"
    for path in ("$export", "Patient/$export"):
        assert await told(guarded.facade, f"{path}?{types}&_since={SINCE}", authorization=patient) == mine
    shown = [p for e in guarded.events() for p in e.get("patients") or ()]
    assert set(shown) == {FIRST}
    doctor = person(guarded, DOCTOR)
    found = await told(guarded.facade, f"$export?{types}&_since={SINCE}", authorization=doctor)
    assert set(found) == {*mine, *others}
    told_of = [p for e in guarded.events() for p in e.get("patients") or ()]
    assert {FIRST, SECOND} <= set(told_of)


@EMBEDDED
async def test_a_scope_tells_of_what_its_search_would_have_found(
    guarded: Guarded, guarded_deleting: Written
) -> None:
    low = await deleted(guarded_deleting, allergy())
    high = await deleted(guarded_deleting, allergy(criticality="high"))
    path = f"$export?_type=AllergyIntolerance&_since={SINCE}"
    scopes = {
        "system/AllergyIntolerance.rs": [low, high],
        "system/AllergyIntolerance.rs?criticality=high": [high],
        "system/AllergyIntolerance.rs?criticality=low system/Patient.rs": [low],
        "system/AllergyIntolerance.rs?criticality:not=low": [],  # nobody can say so for certain
        "system/AllergyIntolerance.rs?criticality=low&patient=Patient/nobody": [],
    }
    for stated, expected in scopes.items():
        _, authorization = guarded.service(stated)
        assert await told(guarded.facade, path, authorization=authorization) == expected, stated


@EMBEDDED
async def test_a_type_that_is_closed_is_told_in_no_file(guarded: Guarded, guarded_deleting: Written) -> None:
    client_id, authorization = guarded.service("system/Goal.rs system/AllergyIntolerance.rs")
    await deleted(guarded_deleting, {"resourceType": "Organization", "name": "약국"})
    await deleted(guarded_deleting, allergy())
    await deleted(guarded_deleting, goal(FIRST))
    address = await kicked_off(guarded.facade, f"$export?_since={SINCE}", authorization=authorization)
    manifest = await finished(guarded.facade, address, authorization=authorization)
    urls = {e["url"].rpartition("/")[2]: e["url"] for e in manifest["deleted"]}
    assert urls.keys() == {"AllergyIntolerance-deleted.ndjson", "Goal-deleted.ndjson"}
    less = guarded.token(client_id, "system/Goal.rs")
    statuses = {
        name: (await guarded.facade.get(url, authorization=less)).status_code for name, url in urls.items()
    }
    assert statuses == {"AllergyIntolerance-deleted.ndjson": 403, "Goal-deleted.ndjson": 200}
    for url in urls.values():
        assert (await guarded.facade.get(url)).status_code == 401
        assert (await guarded.facade.get(url, authorization=guarded.service()[1])).status_code == 404


@EMBEDDED
async def test_what_was_of_a_restricted_visit_is_told_to_who_is_cleared(
    guarded: Guarded, guarded_deleting: Written
) -> None:
    visit = await restricted_visit(guarded_deleting)
    sent = {**sample("Observation"), "subject": visit["subject"]}
    about = {"encounter": {"reference": f"Encounter/{visit['id']}"}}
    closed = await deleted(guarded_deleting, {**sent, **about})
    open_ = await deleted(guarded_deleting, sent)
    path = f"$export?_type=Observation&_since={SINCE}"
    cleared, nurse = person(guarded, DOCTOR), person(guarded, NURSE)
    assert await told(guarded.facade, path, authorization=cleared) == [closed, open_]
    assert await told(guarded.facade, path, authorization=nurse) == [open_]


@EMBEDDED
async def test_a_last_version_that_can_not_be_told_tells_nobody_who_sees_only_some(
    guarded: Guarded, guarded_deleting: Written
) -> None:
    gone = await deleted(guarded_deleting, goal(FIRST))
    async with transaction(guarded_deleting.engine.database) as t:
        broken = (
            update(fhir_version).where(fhir_version.c.content.is_not(None)).values(content="sealed:broken")
        )
        await t.execute(broken)
    path = f"$export?_type=Goal&_since={SINCE}"
    patient = person(guarded, PATIENT, "patient/*.rs", patient=FIRST)
    assert await told(guarded.facade, path, authorization=patient) == []
    assert await told(guarded.facade, f"Patient/{path}", authorization=guarded.service()[1]) == []
    assert await told(guarded.facade, path, authorization=guarded.service()[1]) == [gone]


@EMBEDDED
async def test_who_is_closed_out_while_it_is_made_is_told_nothing(
    guarded: Guarded, guarded_deleting: Written
) -> None:
    client_id, authorization = guarded.service("system/Goal.rs")
    await deleted(guarded_deleting, goal(FIRST))
    address = await kicked_off(guarded.facade, PATH.replace(TYPES, "_type=Goal"), authorization=authorization)
    server: Any = guarded.facade.app.authorization
    server.clients.revoke(client_id, 3600)
    runner = exports_of(guarded.facade).runner
    assert await runner.run_one()
    job = runner.jobs.get(address.rpartition("/")[2])
    assert job is not None
    assert job.state == "failed"
    assert not (guarded.facade.settings.data_path / "export" / job.id).exists()
