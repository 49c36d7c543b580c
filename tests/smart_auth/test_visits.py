"""An app that asks for a visit: the user chooses one of the patient's, of those that they may see."""

import re
from pathlib import Path
from typing import Any

import pytest

from smart_auth.endpoints.discovery import smart_configuration
from smart_auth.store.consents import Consents
from tests.facade.facade import ORIGIN, Facade, embedded_folder, execute, settings_of, writer
from tests.smart_auth.app import AUTH, BUILT_IN, App, offered, register, server_of

PATIENT, VISIT = "P-2025-000001", "E-2025-000002"
#: of the same patient, and OpenEMR says sensitivity `high`
SENSITIVE = "oe-enc-109"
SCOPE = "launch/patient launch/encounter openid patient/*.rs"


async def visits_page(app: App, **changes: Any) -> Any:
    """The page on which a visit is chosen."""
    page = await app.sign_in(await app.follow(await app.ask(**{"scope": SCOPE, **changes})))
    return await app.submit(page, "patient", patient=PATIENT)


def listed(page: Any) -> list[str]:
    found: list[str] = re.findall(r'name="encounter" value="([^"]+)"', page.text)
    return found


async def decided(app: App, page: Any, **changes: Any) -> dict[str, Any]:
    """The tokens for what is left ticked."""
    form = {"decision": "allow", "scope": offered(page), **changes}
    response = await app.exchange(app.came_back(await app.submit(page, "consent", **form))["code"])
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_a_chosen_visit_comes_with_the_tokens(app: App) -> None:
    page = await visits_page(app)
    assert f"김영희 · 1958-03-14 · {PATIENT}" in page.text
    assert VISIT in listed(page)
    consent = await app.submit(page, "encounter", encounter=VISIT)
    assert f"2025-02-03 09:30 · inpatient encounter · 신경외과 · {VISIT}" in consent.text
    answer = await decided(app, consent)
    assert (answer["patient"], answer["encounter"]) == (PATIENT, VISIT)
    assert "launch/encounter" in answer["scope"].split()
    caller = await server_of(app.facade).bearer.caller(f"Bearer {answer['access_token']}")
    assert (caller.patient, caller.encounter) == (PATIENT, VISIT)


async def test_visits_are_listed_the_newest_first_up_to_a_date_or_found_by_id(app: App) -> None:
    page = await visits_page(app)
    assert len(listed(page)) > 10
    begun = re.findall(r"<b>(\d{4}-\d\d-\d\d \d\d:\d\d)", page.text)
    assert begun == sorted(begun, reverse=True)
    for until in ("2025-02", "2025-02-03"):
        assert listed(await app.browser.get(f"{page.url}&find={until}"))[0] == VISIT
    assert listed(await app.browser.get(f"{page.url}&find=2025-02-02"))[0] == "E-2025-000001"
    assert listed(await app.browser.get(f"{page.url}&find={VISIT}")) == [VISIT]
    for nothing in ("headache", "2025-13", "E-2025-000009", "a,b"):
        found = await app.browser.get(f"{page.url}&find={nothing}")
        assert (found.status_code, listed(found)) == (200, [])


@pytest.mark.parametrize(("username", "may_see"), [("doctor", True), ("nurse", False)])
async def test_only_visits_that_the_user_may_see_are_offered(app: App, username: str, may_see: bool) -> None:
    somebody = app.another(username=username)
    page = await visits_page(somebody)
    for find in ("2024-05-13", SENSITIVE):
        assert (SENSITIVE in listed(await somebody.browser.get(f"{page.url}&find={find}"))) is may_see
    taken = await somebody.submit(page, "encounter", encounter=SENSITIVE)
    assert taken.status_code == (200 if may_see else 403)


@pytest.mark.parametrize("wanted", ["E-2025-000009", "E-2099-000001", "", "a,b"])
async def test_a_visit_that_is_not_the_patients_can_not_be_chosen(app: App, wanted: str) -> None:
    page = await visits_page(app)
    assert (await app.submit(page, "encounter", encounter=wanted)).status_code == 403


async def test_who_goes_on_without_a_visit_grants_none(app: App) -> None:
    consent = await app.submit(await visits_page(app), "encounter", without="visit")
    assert "launch/encounter" not in offered(consent)
    answer = await decided(app, consent)
    assert answer["patient"] == PATIENT
    assert "encounter" not in answer
    assert "launch/encounter" not in answer["scope"].split()


async def test_a_visit_that_is_unticked_is_not_told(app: App) -> None:
    consent = await app.submit(await visits_page(app), "encounter", encounter=VISIT)
    answer = await decided(app, consent, scope=["launch/patient", "patient/*.rs"])
    assert answer["patient"] == PATIENT
    assert "encounter" not in answer


async def test_without_its_patient_no_visit_is_told(app: App) -> None:
    consent = await app.submit(await visits_page(app), "encounter", encounter=VISIT)
    answer = await decided(app, consent, scope=["launch/encounter", "openid"])
    assert answer["scope"] == "openid"
    assert not {"patient", "encounter"} & answer.keys()


async def test_a_visit_alone_tells_no_patient(app: App) -> None:
    page = await visits_page(app, scope="launch/encounter openid user/Encounter.rs")
    answer = await decided(app, await app.submit(page, "encounter", encounter=VISIT))
    assert answer["encounter"] == VISIT
    assert "patient" not in answer


async def test_nothing_is_granted_before_the_visit_is_chosen(app: App) -> None:
    page = await visits_page(app)
    response = await app.submit(page, "consent", decision="allow", scope="openid")
    assert response.status_code == 400
    assert "location" not in response.headers


async def test_a_patient_chooses_of_their_own_visits(app: App) -> None:
    own = app.another(username="patient")
    page = await own.sign_in(await own.follow(await own.ask(scope=SCOPE)))
    assert VISIT in listed(page)
    assert (await own.submit(page, "encounter", encounter="E-2025-000009")).status_code == 403
    answer = await decided(own, await own.submit(page, "encounter", encounter=VISIT))
    assert (answer["patient"], answer["encounter"]) == (PATIENT, VISIT)


async def test_a_client_that_may_not_ask_for_visits_gets_no_picker(app: App) -> None:
    client = register(app.facade, scopes="launch/patient openid patient/*.rs")
    other = app.another(client=client)
    page = await visits_page(other)
    assert 'action="/api/auth/consent"' in page.text
    assert not listed(page)


async def test_what_discovery_says_of_visits_is_true(secured: Facade) -> None:
    found = smart_configuration(server_of(secured).config, ["Patient"])
    assert "context-standalone-encounter" in found["capabilities"]
    assert "launch/encounter" in found["scopes_supported"]


@BUILT_IN
async def test_somebody_of_outside_chooses_of_the_patients_who_consented(app: App) -> None:
    somebody = app.another(username="external")
    page = await somebody.sign_in(await somebody.follow(await somebody.ask(scope=SCOPE)))
    assert 'name="patient"' not in page.text
    consents = Consents(server_of(app.facade).store)
    given = consents.give(PATIENT, "Practitioner/user-13", 600)
    page = await somebody.browser.get(page.url)
    assert re.findall(r'name="patient" value="([^"]+)"', page.text) == [PATIENT]
    assert VISIT in listed(await somebody.submit(page, "patient", patient=PATIENT))
    assert consents.withdraw(given.id)
    assert (await somebody.submit(page, "patient", patient=PATIENT)).status_code == 403


async def test_a_visit_whose_id_looks_like_a_date_is_chosen_and_launched(tmp_path: Path) -> None:
    facade = Facade(settings_of(embedded_folder(tmp_path), enable_security=True))
    execute(
        writer(facade),
        "UPDATE emr_encounter SET encounter_id = '2025' WHERE encounter_id = 'E-2025-000002'",
        "UPDATE emr_encounter SET encounter_id = '2025-01' WHERE encounter_id = 'E-2025-000001'",
    )
    app = App.of(facade)
    page = await visits_page(app)
    for new in ("2025", "2025-01"):
        found = listed(await app.browser.get(f"{page.url}&find={new}"))
        assert found[0] == new
        assert len(found) > 5  # those up to that date are still there
        assert new in (await app.submit(page, "encounter", encounter=new)).text
        content = {"patient": PATIENT, "encounter": new}
        begun = await app.browser.post(f"{AUTH}/launch", headers={"origin": ORIGIN}, json=content)
        assert begun.status_code == 201
    assert (await app.submit(page, "encounter", encounter="2024")).status_code == 403
    await facade.close()
