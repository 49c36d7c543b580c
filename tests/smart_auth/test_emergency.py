"""Breaking the glass: one record for half an hour, with a reason, and the administrators are told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from mappers.alerts import alert_administrators
from mappers.site import Site
from smart_auth.store.revocations import forget_expired, revoke
from tests.facade.facade import ORIGIN, Facade, embedded_folder, execute, settings_of, writer
from tests.services.database import DatabaseServer
from tests.smart_auth.app import AUTH, App, server_of

REASON = "unconscious in the emergency room"
ALERTS = "FROM cdss_db.alert_notification WHERE id > :last"
SCOPE = "user/*.rs openid offline_access"


@pytest_asyncio.fixture(scope="module")
async def hospital(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Facade]:
    """A hospital in which nurses see the patients whom they have to do with."""
    folder: Path = embedded_folder(tmp_path_factory.mktemp("emergency"))
    facade = Facade(settings_of(folder, enable_security=True, access_model="care-team"))
    yield facade
    await facade.close()


async def signed_in(hospital: Facade, username: str) -> tuple[App, str]:
    """An app, and the access token that it has for a user."""
    app = App.of(hospital, username=username)
    found = (await app.tokens(scope=SCOPE))["access_token"]
    await app.browser.aclose()
    return app, f"Bearer {found}"


async def test_it_opens_one_record_and_alarms(hospital: Facade) -> None:
    app, token = await signed_in(hospital, "nurse2")
    before = await hospital.bundle("Patient?_summary=count", authorization=token)
    answer = await app.post("emergency", authorization=token, patient="oe-pat-2", reason=REASON)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["expires_in"], told["patient"], told["scope"]) == (1800, "oe-pat-2", "user/*.rs")
    assert not {"refresh_token", "id_token"} & told.keys()
    opened = f"Bearer {told['access_token']}"
    assert (await hospital.get("Patient/oe-pat-2", authorization=token)).status_code == 404
    assert (await hospital.get("Patient/oe-pat-2", authorization=opened)).status_code == 200
    after = await hospital.bundle("Patient?_summary=count", authorization=opened)
    assert after["total"] == before["total"] + 1
    _, admin = await signed_in(hospital, "admin")
    bundle = await hospital.bundle("Communication?_sort=-_id&_count=1", authorization=admin)
    [alert] = [e["resource"] for e in bundle["entry"]]
    assert alert["recipient"][0]["reference"] == "Practitioner/user-1"
    assert REASON in alert["payload"][0]["contentString"]


async def test_restricted_visits_of_that_patient_are_opened_too(hospital: Facade) -> None:
    app, token = await signed_in(hospital, "nurse2")
    restricted = "oe-enc-109"
    patient = await _patient_of(hospital, restricted)
    answer = await app.post("emergency", authorization=token, patient=patient, reason=REASON)
    opened = f"Bearer {answer.json()['access_token']}"
    assert (await hospital.get(f"Encounter/{restricted}", authorization=token)).status_code == 404
    assert (await hospital.get(f"Encounter/{restricted}", authorization=opened)).status_code == 200


async def _patient_of(hospital: Facade, visit: str) -> str:
    _, admin = await signed_in(hospital, "admin")
    found = (await hospital.get(f"Encounter/{visit}", authorization=admin)).json()
    return str(found["subject"]["reference"]).removeprefix("Patient/")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"reason": "because"}, 400, "invalid_request"),
        ({"reason": "          .          "}, 400, "invalid_request"),
        ({"reason": "x" * 501}, 400, "invalid_request"),
        ({"patient": "../1"}, 400, "invalid_request"),
        ({"patient": ""}, 400, "invalid_request"),
        ({"authorization": "Bearer a.b.c"}, 401, "invalid_token"),
        ({"authorization": ""}, 401, "invalid_token"),
    ],
)
async def test_what_says_too_little_opens_nothing(
    hospital: Facade, changes: dict[str, str], status: int, error: str
) -> None:
    app, token = await signed_in(hospital, "nurse2")
    asked = {"authorization": token, "patient": "oe-pat-2", "reason": REASON, **changes}
    answer = await app.post("emergency", **asked)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers.get("www-authenticate", "").startswith("Bearer") == (status == 401)


@pytest.mark.parametrize("username", ["patient", "lab", "external", "admin"])
async def test_only_who_cares_for_patients_may(hospital: Facade, username: str) -> None:
    app, token = await signed_in(hospital, username)
    answer = await app.post("emergency", authorization=token, patient="oe-pat-2", reason=REASON)
    assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")


async def test_no_emergency_leads_to_another(hospital: Facade) -> None:
    app, token = await signed_in(hospital, "nurse2")
    first = await app.post("emergency", authorization=token, patient="oe-pat-2", reason=REASON)
    opened = f"Bearer {first.json()['access_token']}"
    second = await app.post("emergency", authorization=opened, patient="oe-pat-3", reason=REASON)
    assert second.status_code == 403


async def test_it_ends_with_the_family_that_it_came_from(hospital: Facade) -> None:
    app = App.of(hospital, username="nurse2")
    tokens = await app.tokens(scope=SCOPE)
    await app.browser.aclose()
    asked = {"patient": "oe-pat-2", "reason": REASON}
    answer = await app.post("emergency", authorization=f"Bearer {tokens['access_token']}", **asked)
    opened = f"Bearer {answer.json()['access_token']}"
    await app.post("revoke", token=tokens["refresh_token"], client_id=app.client.client_id)
    assert (await hospital.get("Patient/oe-pat-2", authorization=opened)).status_code == 401


async def test_without_an_administrator_it_opens_and_the_log_says_so(
    hospital: Facade, caplog: pytest.LogCaptureFixture
) -> None:
    app, token = await signed_in(hospital, "nurse2")
    engine = writer(hospital)
    execute(engine, "UPDATE accounts_user SET is_active = 0 WHERE role = 'admin'")
    try:
        answer = await app.post("emergency", authorization=token, patient="oe-pat-2", reason=REASON)
    finally:
        execute(engine, "UPDATE accounts_user SET is_active = 1 WHERE role = 'admin'")
    assert answer.status_code == 200
    assert "nurse2 breaks the glass, and there is no active administrator" in caplog.text


@pytest.mark.parametrize(
    ("patient", "known"), [("oe-pat-2", None), ("P-2025-000001", "P-2025-000001"), ("p-2025-000001", None)]
)
def test_servers_keep_the_alert(server: DatabaseServer, patient: str, known: str | None) -> None:
    engine = server.engine(server.owner)
    with engine.begin() as connection:
        last = connection.scalar(text("SELECT MAX(id) FROM cdss_db.alert_notification"))
    try:
        assert alert_administrators(engine, Site(), patient, "title", "message") == 1
        with engine.begin() as connection:
            made = text(f"SELECT recipient_id, patient_id, created_at {ALERTS}")
            [row] = connection.execute(made, {"last": last}).all()
        assert row[:2] == (1, known)
        assert abs(time.mktime(row[2].timetuple()) - time.time()) < 15 * 3600
    finally:
        with engine.begin() as connection:
            connection.execute(text(f"DELETE {ALERTS}"), {"last": last})


@pytest.mark.parametrize(("lifetime", "opened", "ended"), [(5, 0, 60), (60, 59 * 60, 63 * 60)])
async def test_it_ends_for_good_with_what_it_came_from(
    hospital: Facade, monkeypatch: pytest.MonkeyPatch, lifetime: int, opened: int, ended: int
) -> None:
    """It may outlive the token that it was asked with, and all that is known of that one's family."""
    facade = Facade(replace(hospital.settings, jwt_access_token_lifetime_minutes=lifetime))
    app, began = App.of(facade, username="nurse2"), time.time()
    token = (await app.tokens(scope="user/*.rs openid"))["access_token"]
    monkeypatch.setattr(time, "time", lambda: began + opened)
    answer = await app.post("emergency", authorization=f"Bearer {token}", patient="oe-pat-2", reason=REASON)
    authorization = f"Bearer {answer.json()['access_token']}"
    monkeypatch.setattr(time, "time", lambda: began + ended)
    _forget(facade)
    assert (await facade.get("Patient/oe-pat-2", authorization=authorization)).status_code == 200
    await app.browser.delete(f"{AUTH}/session", headers={"origin": ORIGIN})
    assert (await facade.get("Patient/oe-pat-2", authorization=authorization)).status_code == 401
    monkeypatch.setattr(time, "time", lambda: began + ended + 600)
    _forget(facade)
    assert (await facade.get("Patient/oe-pat-2", authorization=authorization)).status_code == 401
    await app.browser.aclose()
    await facade.close()


def _forget(facade: Facade) -> None:
    """What expired is gone, and every worker reads what is revoked anew, since something else was."""
    with server_of(facade).store.transaction() as session:
        forget_expired(session)
        revoke(session, ["something else"], int(time.time()) + 60)
