"""The authorization code flow, from the app's button to its tokens."""

import json

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.facade.facade import BASE
from tests.smart_auth.app import AUTH, BUILT_IN, CALLBACK, App, asks_for_password, offered


async def test_an_app_gets_tokens_for_a_chosen_patient(app: App) -> None:
    came = await app.code()
    assert came["state"] == "a state/+ü~"
    assert came["iss"] == AUTH
    assert came["from"] == "hospital"
    response = await app.exchange(came["code"])
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    answer = response.json()
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 3600
    assert answer["patient"] == "P-2025-000001"
    assert "offline_access" in answer["scope"].split()
    found = await app.facade.app.authorization.bearer.caller(f"Bearer {answer['access_token']}")  # type: ignore[union-attr]
    assert found.user is not None
    assert found.user.username == "doctor"
    assert found.user.fhir_user == "Practitioner/user-2"
    assert found.user.roles == {"doctor"}
    assert found.patient == "P-2025-000001"
    assert {s.text for s in found.scopes} == {"patient/*.rs", "user/*.rs"}


async def test_the_id_token_is_checked_with_the_published_keys(app: App) -> None:
    came = await app.code(nonce="n-once")
    answer = (await app.exchange(came["code"])).json()
    keys = KeySet.import_key_set((await app.facade.http.get(f"{AUTH}/jwks")).json())
    found = jwt.decode(answer["id_token"], keys, algorithms=["RS256"])
    assert found.claims["iss"] == AUTH
    assert found.claims["aud"] == app.client.client_id
    assert found.claims["nonce"] == "n-once"
    assert found.claims["fhirUser"] == f"{BASE}/Practitioner/user-2"
    assert found.claims["exp"] - found.claims["iat"] == 3600
    assert found.header["kid"]


async def test_the_request_may_come_by_post(app: App) -> None:
    response = await app.browser.post(f"{AUTH}/authorize", data=app.request())
    assert response.status_code == 303
    page = await app.follow(response)
    assert asks_for_password(page)


async def test_a_patient_needs_no_picker(secured: object, app: App) -> None:
    of_patient = App.of(app.facade, app.client, "patient")
    answer = await of_patient.tokens()
    assert answer["patient"] == "P-2025-000001"
    await of_patient.browser.aclose()


async def test_what_is_unticked_is_not_granted(app: App) -> None:
    page = await app.consent_page()
    left = [scope for scope in offered(page) if scope not in ("user/*.rs", "offline_access")]
    came = app.came_back(await app.submit(page, "consent", decision="allow", scope=left))
    answer = (await app.exchange(came["code"])).json()
    assert answer["scope"].split() == left
    assert "refresh_token" not in answer


async def test_without_its_patient_no_patient_scope_is_left(app: App) -> None:
    page = await app.consent_page()
    left = [scope for scope in offered(page) if scope != "launch/patient"]
    came = app.came_back(await app.submit(page, "consent", decision="allow", scope=left))
    answer = (await app.exchange(came["code"])).json()
    assert "patient" not in answer
    assert not [scope for scope in answer["scope"].split() if scope.startswith("patient/")]


async def test_a_refusal_is_told_to_the_app(app: App) -> None:
    page = await app.consent_page()
    came = app.came_back(await app.submit(page, "consent", decision="deny"))
    assert came["error"] == "access_denied"
    assert came["state"] == "a state/+ü~"
    assert "code" not in came


async def test_old_scopes_come_back_as_they_were_asked_for(app: App) -> None:
    answer = await app.tokens(scope="launch/patient patient/Observation.read user/*.read openid")
    assert answer["scope"] == "launch/patient patient/Observation.read user/*.read openid"


@pytest.mark.parametrize(
    "odd",
    ["patient/*.dus", "patient/*.sr", "patient/Nothing.rs", "patient/*.", "patient/*.x", "system/*.rs", "xy"],
)
async def test_an_odd_scope_opens_nothing(app: App, odd: str) -> None:
    answer = await app.tokens(scope=f"openid {odd}")
    assert answer["scope"] == "openid"


async def test_scopes_that_are_all_impossible_are_an_error(app: App) -> None:
    page = await app.consent_page(scope="system/*.rs")
    assert app.came_back(page)["error"] == "invalid_scope"


async def test_pages_can_not_be_framed_or_kept(app: App) -> None:
    page = await app.consent_page()
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["referrer-policy"] == "no-referrer"
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script" not in policy
    assert "<script" not in page.text
    own = [cookie for cookie in app.browser.cookies.jar if cookie.name.startswith("fhir_auth_")]
    assert {cookie.name for cookie in own} == {"fhir_auth_session", "fhir_auth_browser"}
    for cookie in own:
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert cookie.get_nonstandard_attr("SameSite") == "lax"


async def test_pages_speak_korean_and_escape_what_they_show(app: App) -> None:
    app.browser.headers["accept-language"] = "ko-KR,ko;q=0.9"
    page = await app.consent_page()
    assert 'lang="ko"' in page.text
    assert "이 환자의" in page.text
    assert "An &lt;App&gt;" in page.text
    assert "https://app.example" in page.headers["content-security-policy"]


async def test_a_form_of_another_page_is_refused(app: App) -> None:
    page = await app.consent_page()
    for forged in ("x" * 43, "열쇠" * 21):
        response = await app.submit(page, "consent", decision="allow", csrf=forged)
        assert response.status_code == 403
        assert "location" not in response.headers


@BUILT_IN
async def test_what_one_user_was_asked_nobody_else_allows(app: App) -> None:
    """At a shared browser: the page names who was signed in when it was shown."""
    scope = "user/*.rs openid"
    page = await app.consent_page(scope=scope)
    assert "doctor" in page.text
    nurse = app.another(username="nurse")
    own = await nurse.sign_in(await nurse.follow(await nurse.ask(scope=scope, prompt="login")))
    response = await app.submit(page, "consent", decision="allow", scope=offered(page))
    assert response.status_code == 403
    assert "location" not in response.headers
    answer = await nurse.submit(own, "consent", decision="allow", scope=offered(own))
    assert app.came_back(answer)["code"]


async def test_a_patient_whom_the_user_may_not_see_can_not_be_chosen(app: App) -> None:
    page = await app.sign_in(await app.follow(await app.ask()))
    response = await app.submit(page, "patient", patient="P-2099-999999")
    assert response.status_code == 403


async def test_patients_are_found_by_name_id_and_birth_date(app: App) -> None:
    page = await app.sign_in(await app.follow(await app.ask()))
    for text in ("김영희", "P-2025-000001", "1958-03-14"):
        address = str(page.url).split("&find=")[0]
        found = await app.browser.get(f"{address}&find={text}")
        assert 'value="P-2025-000001"' in found.text
    nobody = await app.browser.get(f"{page.url}&find=nobody-of-that-name")
    assert 'name="patient"' not in nobody.text


async def test_the_second_app_needs_no_second_password(app: App) -> None:
    await app.tokens()
    page = await app.follow(await app.ask())
    assert not asks_for_password(page)
    again = await app.follow(await app.ask(prompt="login"))
    assert asks_for_password(again)


async def test_prompt_none_asks_nobody(app: App) -> None:
    assert app.came_back(await app.follow(await app.ask(prompt="none")))["error"] == "login_required"
    await app.tokens()
    assert app.came_back(await app.follow(await app.ask(prompt="none")))["error"] == "interaction_required"


async def test_who_signs_out_is_asked_again(app: App) -> None:
    page = await app.submit(await app.consent_page(), "sign-out")
    assert asks_for_password(page)
    assert asks_for_password(await app.follow(await app.ask()))


async def test_the_callback_is_left_as_it_was_registered(app: App) -> None:
    response = await app.follow(await app.ask(scope="nothing"))
    assert response.headers["location"].startswith(f"{CALLBACK}&error=invalid_scope")
    assert "%20" in response.headers["location"]
    assert json.dumps(app.came_back(response)["state"]) == json.dumps("a state/+ü~")
