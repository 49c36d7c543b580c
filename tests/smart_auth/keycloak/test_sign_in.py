"""Signing in at a real Keycloak, through the facade's address: who is told, and what is refused."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from fhir_facade.settings import Settings
from smart_auth.access.caller import User
from smart_auth.identity.provider import ProviderDownError
from tests.services.keycloak import PUBLIC
from tests.smart_auth.keycloak.browser import IDP, Front, action
from tests.smart_auth.keycloak.realms import Administrator


@pytest_asyncio.fixture
async def front(with_keycloak: Settings) -> AsyncIterator[Front]:
    front = Front(with_keycloak)
    yield front
    await front.close()


@pytest.fixture
def lab(hospital: Administrator) -> Iterator[str]:
    """The id of a user for whom a test may change things; afterwards all is as it was."""
    subject = str(hospital.user("lab")["id"])
    role = hospital.get("/roles/lab_technician")
    yield subject
    hospital.send("PUT", f"/users/{subject}", hospital.user("lab") | {"enabled": True, "attributes": {}})
    hospital.send("POST", f"/users/{subject}/role-mappings/realm", [role])
    hospital.send("DELETE", f"/attack-detection/brute-force/users/{subject}")


async def test_the_user_comes_back_with_roles_name_and_resource(front: Front) -> None:
    answer = await front.sign_in("doctor", pending="sealed.request")
    assert answer.status_code == 200
    told = answer.json()
    assert told.pop("subject")
    assert told == {
        "pending": "sealed.request",
        "username": "doctor",
        "name": "박지훈",
        "roles": ["doctor"],
        "fhir_user": "Practitioner/user-2",
    }


async def test_the_attribute_goes_before_the_user_name(front: Front) -> None:
    answer = await front.sign_in("patient")
    assert answer.json()["fhir_user"] == "Patient/P-2025-000001"
    assert answer.json()["roles"] == ["patient"]


async def test_a_user_whom_no_database_knows_has_no_resource(front: Front) -> None:
    assert (await front.sign_in("lab")).json()["fhir_user"] == ""


async def test_every_step_is_at_the_facades_address_with_state_nonce_and_challenge(front: Front) -> None:
    page = await front.login_page()
    assert page.status_code == 200
    asked = page.history[-1].headers["location"]
    assert asked.startswith(f"{PUBLIC}{IDP}/realms/hospital/protocol/openid-connect/auth?")
    query = parse_qs(urlsplit(asked).query)
    assert query["code_challenge_method"] == ["S256"]
    assert {len(query[name][0]) for name in ("state", "nonce", "code_challenge")} == {43}
    assert len({query[name][0] for name in ("state", "nonce", "code_challenge")}) == 3
    assert action(page).startswith(f"{PUBLIC}{IDP}/realms/hospital/login-actions/authenticate?")
    for cookie in front.browser.cookies.jar:
        assert cookie.path.startswith(f"{IDP}/")


async def test_on_https_the_sign_ins_cookie_is_secure(with_keycloak: Settings) -> None:
    front = Front(replace(with_keycloak, public_base_url="https://facade.test"))
    front.browser.follow_redirects = False
    cookie = (await front.login_page()).headers["set-cookie"]
    await front.close()
    assert cookie.startswith("fhir_auth_idp_")
    assert cookie.endswith("; HttpOnly; Max-Age=600; Path=/api/auth/idp/; SameSite=lax; Secure")


async def test_what_the_page_needs_is_there(front: Front) -> None:
    page = await front.login_page()
    needed = {part.split('"')[0] for part in page.text.split(f'"{IDP}/resources/')[1:]}
    assert len(needed) > 3
    for path in needed:
        found = await front.browser.get(f"{IDP}/resources/{path}")
        assert found.status_code == 200, path
        assert found.content


async def test_somebody_who_is_signed_in_there_needs_no_password_again(front: Front) -> None:
    await front.sign_in("doctor")
    assert (await front.login_page("another")).json()["pending"] == "another"
    again = await front.login_page("third", again=True)
    assert 'name="password"' in again.text


async def test_a_wrong_password_brings_the_page_again_and_nobody_in(front: Front) -> None:
    page = await front.sign_in("doctor", "not-the-password")
    assert page.status_code == 200
    assert (await front.enter(page, "doctor")).json()["username"] == "doctor"
    assert len(front.told.signed_in) == 1


async def is_locked(hospital: Administrator, subject: str) -> None:
    """Returns once Keycloak has locked an account: it counts a failure after it has answered."""
    for _ in range(100):
        if hospital.get(f"/attack-detection/brute-force/users/{subject}")["disabled"]:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the account isn't locked")


async def test_five_wrong_passwords_lock_the_account_and_the_right_one_is_refused(
    front: Front, hospital: Administrator, lab: str
) -> None:
    page = await front.login_page()
    for _ in range(5):
        page = await front.enter(page, "lab", "not-the-password")
    await is_locked(hospital, lab)
    page = await front.enter(page, "lab")
    assert page.status_code == 200
    assert front.told.signed_in == []
    hospital.send("DELETE", f"/attack-detection/brute-force/users/{lab}")
    assert (await front.enter(page, "lab")).json()["username"] == "lab"


async def test_a_disabled_user_is_refused(front: Front, hospital: Administrator, lab: str) -> None:
    hospital.send("PUT", f"/users/{lab}", hospital.user("lab") | {"enabled": False})
    page = await front.sign_in("lab")
    assert page.status_code == 200
    assert front.told.signed_in == []


async def test_an_answer_is_worth_nothing_in_another_browser(front: Front) -> None:
    page = await front.login_page()
    front.browser.follow_redirects = False
    back = (await front.enter(page, "doctor")).headers["location"]
    assert back.startswith(f"{PUBLIC}{IDP}/callback?")
    other = await front.new_browser().get(back)
    assert other.status_code == 403
    assert front.told.refused == ["an answer that this browser didn't ask for"]
    assert (await front.browser.get(back)).json()["username"] == "doctor"


async def test_an_answer_is_taken_once(front: Front) -> None:
    answer = await front.sign_in("doctor")
    again = await front.browser.get(answer.url)
    assert again.status_code == 403
    assert front.told.refused == ["an answer that this browser didn't ask for"]


async def test_a_code_of_another_sign_in_is_refused(front: Front) -> None:
    page = await front.login_page("mine")
    front.browser.follow_redirects = False
    theirs = parse_qs(urlsplit((await front.enter(page, "erin")).headers["location"]).query)["code"][0]
    mine = (await front.login_page("mine")).headers["location"]
    state = parse_qs(urlsplit(mine).query)["state"][0]
    answer = await front.browser.get(f"{IDP}/callback", params={"state": state, "code": theirs})
    assert answer.status_code == 403
    assert answer.json()["refused"] == "Keycloak: invalid_grant"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"error": "access_denied"}, "Keycloak: access_denied"),
        ({"code": "x", "iss": "https://evil.test"}, "Keycloak: the answer is another issuer's"),
        ({"code": "made-up"}, "Keycloak: invalid_grant"),
    ],
)
async def test_what_keycloak_did_not_say_is_refused(front: Front, query: dict[str, str], reason: str) -> None:
    page = await front.login_page()
    state = parse_qs(urlsplit(page.history[-1].headers["location"]).query)["state"][0]
    answer = await front.browser.get(f"{IDP}/callback", params={"state": state, **query})
    assert answer.status_code == 403
    assert answer.json() == {"pending": "what-goes-on", "refused": reason}


async def test_two_sign_ins_at_once_in_one_browser_both_come_back(front: Front) -> None:
    first, second = await front.login_page("first"), await front.login_page("second")
    assert (await front.enter(second, "doctor")).json()["pending"] == "second"
    state = parse_qs(urlsplit(first.history[-1].headers["location"]).query)["state"][0]
    kept = [cookie.name for cookie in front.browser.cookies.jar]
    assert f"fhir_auth_idp_{state[:12]}_0" in kept


async def test_a_long_request_comes_back_whole_and_a_longer_one_is_refused(front: Front) -> None:
    assert (await front.sign_in("doctor", pending="a" * 6000)).json()["pending"] == "a" * 6000
    refused = await front.login_page("a" * 8000)
    assert refused.status_code == 403


async def test_abandoned_sign_ins_give_way(front: Front) -> None:
    for number in range(8):
        await front.login_page(f"sign-in-{number}")
    held = [c.name for c in front.browser.cookies.jar if c.name.startswith("fhir_auth_idp_")]
    assert len(held) <= 6
    assert (await front.sign_in("doctor", pending="the-last")).json()["pending"] == "the-last"


async def signed_in(front: Front, username: str) -> tuple[User, str]:
    assert (await front.sign_in(username)).status_code == 200
    last = front.told.signed_in[-1]
    return last.user, last.held


async def test_today_s_user_is_the_one_who_signed_in(front: Front) -> None:
    for username in ("doctor", "erin", "patient"):
        front.browser.cookies.clear()
        user, held = await signed_in(front, username)
        assert await front.provider.current(user.subject, held) == user


async def test_a_role_that_is_taken_away_is_gone_at_once(
    front: Front, hospital: Administrator, lab: str
) -> None:
    user, held = await signed_in(front, "lab")
    assert user.roles == {"lab_technician"}
    role = hospital.get("/roles/lab_technician")
    hospital.send("DELETE", f"/users/{lab}/role-mappings/realm", [role])
    now = await front.provider.current(user.subject, held)
    assert now is not None
    assert now.roles == frozenset()


async def test_a_role_by_a_group_counts(front: Front, hospital: Administrator, lab: str) -> None:
    user, held = await signed_in(front, "lab")
    hospital.send("POST", "/groups", {"name": "pharmacy"})
    group = hospital.get("/groups?search=pharmacy")[0]["id"]
    hospital.send("POST", f"/groups/{group}/role-mappings/realm", [hospital.get("/roles/pharmacist")])
    hospital.send("PUT", f"/users/{lab}/groups/{group}")
    now = await front.provider.current(user.subject, held)
    hospital.send("DELETE", f"/groups/{group}")
    assert now is not None
    assert now.roles == {"lab_technician", "pharmacist"}


async def test_a_disabled_user_may_no_longer_come_in(front: Front, hospital: Administrator, lab: str) -> None:
    user, held = await signed_in(front, "lab")
    hospital.send("PUT", f"/users/{lab}", hospital.user("lab") | {"enabled": False})
    assert await front.provider.current(user.subject, held) is None


async def test_who_was_signed_out_by_an_administrator_may_no_longer_come_in(
    front: Front, hospital: Administrator, lab: str
) -> None:
    user, held = await signed_in(front, "lab")
    since = json.loads(held)["since"]
    earlier = json.dumps(json.loads(held) | {"since": since - 60})
    assert await front.provider.current(user.subject, earlier) == user
    hospital.send("POST", f"/users/{lab}/logout")
    assert await front.provider.current(user.subject, earlier) is None


async def test_a_user_who_is_gone_may_no_longer_come_in(front: Front) -> None:
    assert await front.provider.current("00000000-0000-4000-8000-000000000000", '{"since": 0}') is None
    assert await front.provider.current("../clients", '{"since": 0}') is None


async def test_signing_out_ends_the_session_at_keycloak(front: Front, hospital: Administrator) -> None:
    user, held = await signed_in(front, "doctor")
    before = hospital.get(f"/users/{user.subject}/sessions")
    await front.provider.sign_out(user.subject, held)
    assert len(hospital.get(f"/users/{user.subject}/sessions")) == len(before) - 1
    assert 'name="password"' in (await front.login_page()).text
    await front.provider.sign_out(user.subject, held)


async def test_when_keycloak_is_down_the_page_says_so_and_nobody_is_called_gone(
    with_keycloak: Settings,
) -> None:
    front = Front(replace(with_keycloak, keycloak_url="http://127.0.0.1:9"))
    page = await front.login_page()
    assert page.status_code == 503
    with pytest.raises(ProviderDownError):
        await front.provider.current("somebody", '{"since": 0}')
    await front.close()


async def test_a_wrong_client_secret_calls_nobody_gone(with_keycloak: Settings) -> None:
    front = Front(replace(with_keycloak, keycloak_client_secret="another"))
    with pytest.raises(ProviderDownError, match="own client"):
        await front.provider.current("somebody", '{"since": 0}')
    answer = await front.sign_in("doctor")
    assert answer.status_code == 403
    await front.close()
