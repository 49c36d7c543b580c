"""What the authorization server does is in the trail, without its secrets."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import smart_auth
from fhir_facade.audit.authorization import KINDS
from smart_auth.access.caller import User
from smart_auth.endpoints.browser import SESSION_COOKIE
from smart_auth.identity.provider import SignedIn
from tests.audit.recording import Recording, query_of
from tests.facade.facade import ORIGIN, Facade, embedded_folder, execute, settings_of, writer
from tests.smart_auth.app import AUTH, App, server_of
from tests.smart_auth.badges import Badges


async def test_a_sign_in_and_its_token_are_recorded_without_secrets(tmp_path: Path) -> None:
    facade = Facade(settings_of(embedded_folder(tmp_path), enable_security=True, audit="on"))
    app = App.of(facade)
    answer = await app.tokens(scope="user/*.rs openid")
    recording = Recording(facade, Badges(), writer(facade))
    found = recording.records()
    assert [(r["event"], r["outcome"]) for r in found] == [("login", "0"), ("token", "0")]
    assert {r["user"]["username"] for r in found} == {"doctor"}
    assert {r["address"] for r in found} == {"127.0.0.1"}
    assert answer["access_token"][-20:] not in str(found)
    events = await recording.events()
    assert "IHE.IUA.71" in events[1]["meta"]["profile"][0]
    await facade.close()
    assert recording.faults() == []


VISIT = {"scope": "launch/patient launch/encounter openid patient/*.rs"}
PATIENT = "P-2025-000001"


async def test_whom_the_pickers_show_is_recorded_for_each_patient(tmp_path: Path) -> None:
    facade = Facade(settings_of(embedded_folder(tmp_path), enable_security=True, audit="on"))
    app = App.of(facade)
    recording = Recording(facade, Badges(), writer(facade))
    page = await app.sign_in(await app.follow(await app.ask(**VISIT)))
    await app.browser.get(f"{page.url}&find=김영희")
    await app.browser.get(f"{page.url}&find=900101-1234567")
    await app.submit(
        await app.submit(page, "patient", patient=PATIENT), "encounter", encounter="E-2025-000002"
    )
    first, named, numbered, visits, facts = [r for r in recording.records() if r["event"] == "search-type"]
    assert first["patients"] == re.findall('name="patient" value="([^"]+)"', page.text)
    assert len(first["patients"]) > 10
    assert [p for p in named["patients"] if p not in page.text] == []
    assert PATIENT in named["patients"]
    assert query_of(named) == f"GET {ORIGIN}/api/auth/continue?{urlencode({'find': '김영희'})}"
    assert query_of(numbered).endswith("?find=***")
    assert "patients" not in numbered
    assert (visits["patients"], visits["details"]["choosing"]) == ([PATIENT], "encounter")
    assert {f"Patient/{PATIENT}", "Encounter/E-2025-000002"} <= set(visits["entities"])
    assert facts["entities"] == [f"Patient/{PATIENT}", "Encounter/E-2025-000002"]
    for record in (first, named, numbered, visits, facts):
        assert (record["client"], record["user"]["fhirUser"]) == (app.client.client_id, "Practitioner/user-2")
        assert (record["user"]["username"], record["address"]) == ("doctor", "127.0.0.1")
    events = await recording.events()
    shown = [e for e in events if e["subtype"][0]["code"] == "search-type"]
    assert len(shown) == len(first["patients"]) + len(named["patients"]) + 1 + 1 + 1
    profiles = [p.rpartition(".")[2] for e in shown for p in e["meta"].get("profile", ())]
    referable = [p for p in first["patients"] if "." not in p]  # others' keys aren't their ids: named only
    assert profiles.count("PatientQuery") == len(referable) + len(named["patients"]) + 1 + 1
    assert len(profiles) == len(shown)
    await facade.close()
    assert recording.faults() == []


async def test_no_picker_shows_anybody_while_it_can_not_be_recorded(tmp_path: Path) -> None:
    facade = Facade(settings_of(embedded_folder(tmp_path), enable_security=True, audit="on"))
    app = App.of(facade)
    picker = await app.sign_in(await app.follow(await app.ask(**VISIT)))
    visits = await app.submit(picker, "patient", patient=PATIENT)
    consent = await app.submit(visits, "encounter", encounter="E-2025-000002")
    execute(writer(facade), "ALTER TABLE fhir_audit RENAME TO fhir_audit_gone")
    for page in (picker, visits, consent):
        refused = await app.browser.get(page.url)
        assert (refused.status_code, "access log" in refused.text) == (503, True)
        assert (PATIENT in page.text, PATIENT in refused.text) == (True, False)
    await facade.close()


async def test_while_nothing_can_be_recorded_nobody_is_let_in(tmp_path: Path) -> None:
    facade = Facade(settings_of(embedded_folder(tmp_path), enable_security=True, audit="on"))
    app = App.of(facade)
    somebody = App.of(facade)
    page = await somebody.follow(await somebody.ask())
    code = await App.of(facade).code()
    token = (await app.tokens())["access_token"]
    execute(writer(facade), "ALTER TABLE fhir_audit RENAME TO fhir_audit_gone")
    calls = [
        await app.post(grant_type="authorization_code", code=code["code"], client_id=app.client.client_id),
        await app.post(
            "emergency", authorization=f"Bearer {token}", patient="oe-pat-2", reason="unconscious"
        ),
        await app.browser.post(f"{AUTH}/launch", headers={"origin": ORIGIN}, json={}),
        await app.post("revoke", token=token, client_id=app.client.client_id),
    ]
    assert [(c.status_code, c.json()["error"]) for c in calls] == [(503, "temporarily_unavailable")] * 4
    assert {c.headers["cache-control"] for c in calls} == {"no-store"}
    for told in (await somebody.sign_in(page), await app.ask(response_type="token")):
        assert (told.status_code, "access log" in told.text) == (503, True)
    execute(writer(facade), "ALTER TABLE fhir_audit_gone RENAME TO fhir_audit")
    assert "access_token" in await app.tokens()
    await facade.close()


async def test_a_refused_launch_is_recorded_with_who_asked_for_whom(tmp_path: Path) -> None:
    facade = Facade(settings_of(embedded_folder(tmp_path), enable_security=True, audit="on"))
    app, recording = App.of(facade), Recording(facade, Badges(), writer(facade))
    await app.tokens(scope="launch user/Patient.rs openid")
    asked = [
        ({}, {"patient": PATIENT}),
        ({"origin": ORIGIN}, {"patient": "P-2099-000001", "client_id": app.client.client_id}),
        ({"origin": ORIGIN}, {"patient": "900101-1234567", "client_id": 7}),
    ]
    answers = [await app.browser.post(f"{AUTH}/launch", headers=h, json=content) for h, content in asked]
    assert [a.status_code for a in answers] == [401, 403, 400]
    nobody, hidden, odd = [r for r in recording.records() if r["event"] == "launch"]
    assert [r["outcome"] for r in (nobody, hidden, odd)] == ["4", "4", "4"]
    assert "user" not in nobody
    assert (hidden["user"]["username"], hidden["patients"]) == ("doctor", ["P-2099-000001"])
    assert hidden["client"] == app.client.client_id
    assert hidden["details"]["reason"].startswith("access_denied: ")
    assert "900101" not in str(odd)
    assert (await app.browser.post(f"{AUTH}/launch", headers={"origin": ORIGIN}, json={})).status_code == 201
    assert [r["outcome"] for r in recording.records() if r["event"] == "launch"][3:] == ["0"]
    events = await recording.events()
    assert len([e for e in events if e["outcome"] == "4"]) == 3
    await facade.close()
    assert recording.faults() == []


async def test_a_refused_authorization_names_the_app_and_who_was_signed_in(tmp_path: Path) -> None:
    facade = Facade(settings_of(embedded_folder(tmp_path), enable_security=True, audit="on"))
    app, recording = App.of(facade), Recording(facade, Badges(), writer(facade))
    await app.ask(response_type="token")
    await app.submit(await app.consent_page(scope="openid user/*.rs"), "consent", decision="deny")
    unasked, denied = [r for r in recording.records() if r["event"] == "token"]
    for record in (unasked, denied):
        assert (record["outcome"], record["client"]) == ("4", app.client.client_id)
    assert "user" not in unasked
    assert denied["user"]["username"] == "doctor"
    assert denied["details"]["reason"] == "access_denied: the user refused"
    await facade.close()


async def test_who_may_not_break_the_glass_is_recorded_with_whose_record_it_was(tmp_path: Path) -> None:
    facade = Facade(settings_of(embedded_folder(tmp_path), enable_security=True, audit="on"))
    app, recording = App.of(facade, username="lab"), Recording(facade, Badges(), writer(facade))
    token = (await app.tokens(scope="user/*.rs openid"))["access_token"]
    answer = await app.post(
        "emergency", authorization=f"Bearer {token}", patient=PATIENT, reason="curiosity mostly"
    )
    assert answer.status_code == 403
    [refused] = [r for r in recording.records() if r["outcome"] == "4"]
    assert (refused["event"], refused["patients"]) == ("emergency", [PATIENT])
    assert (refused["user"]["username"], refused["client"]) == ("lab", app.client.client_id)
    events = await recording.events()
    assert [e["outcome"] for e in events if e["type"]["code"] == "110113"] == ["4"]
    await facade.close()
    assert recording.faults() == []


async def test_a_sign_out_is_recorded_while_the_provider_is_away(tmp_path: Path) -> None:
    """It has taken effect here, whatever becomes of the session there."""
    settings = settings_of(embedded_folder(tmp_path), enable_security=True, audit="on")
    away = replace(settings, keycloak_url="http://127.0.0.1:1", keycloak_client_secret="x")
    facade = Facade(away)
    recording, sessions = Recording(facade, Badges(), writer(facade)), server_of(facade).sessions
    held = '{"since": 0, "refresh": "of Keycloak"}'
    cookie = sessions.start(SignedIn(User("kim", "kim", "Kim", frozenset({"doctor"})), held))
    headers = {"origin": ORIGIN, "cookie": f"{SESSION_COOKIE}={cookie}"}
    answer = await facade.http.delete(f"{AUTH}/session", headers=headers)
    assert answer.status_code == 503
    assert sessions.of_cookie(cookie) is None
    [record] = recording.records()
    assert (record["event"], record["outcome"], record["user"]["username"]) == ("logout", "0", "kim")
    await facade.close()


def test_every_kind_that_is_told_is_known() -> None:
    trees = [ast.parse(path.read_text()) for path in Path(smart_auth.__file__).parent.rglob("*.py")]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    telling = [call.args[0] for call in calls if getattr(call.func, "attr", "") in ("tell", "events")]
    assert {kind.value for kind in telling if isinstance(kind, ast.Constant)} == set(KINDS)
