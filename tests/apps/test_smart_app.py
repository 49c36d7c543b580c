"""SMART's own JavaScript client in a browser: both launches and refresh, with both identity providers."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.apps.conftest import NewPerson
from tests.apps.person import Person
from tests.apps.site import Site

SCOPES = {"launch/patient", "openid", "fhirUser", "offline_access", "patient/*.rs"}


def launch_page(app_origin: str, site: Site) -> str:
    return f"{app_origin}/launch.html?iss={site.base}"


async def test_a_patient_is_chosen_and_read_and_tokens_are_renewed(
    person: NewPerson, either: Site, app_origin: str
) -> None:
    somebody = await person(either)
    page = somebody.page
    await page.goto(launch_page(app_origin, either))
    await somebody.sign_in()
    assert await somebody.text("h1") == "Which patient?"
    assert await somebody.fits()
    await somebody.choose("김영희", "P-2025-000001")
    page_text = await somebody.text("main")
    assert "First app asks for access in your name." in page_text
    assert "김영희 · 1" in page_text
    assert f"{app_origin}/" in page_text
    assert "see, search: all kinds of data, of this patient" in page_text
    assert await somebody.fits()
    await somebody.allow()
    told = await somebody.told()
    assert page.url.startswith(f"{app_origin}/")
    assert await somebody.text("#patient") == "김영희"
    assert told["patient"] == "P-2025-000001"
    assert told["user"] == "Practitioner/user-2"
    assert set(told["scope"].split()) == SCOPES
    assert told["laboratory"] > 5
    assert told["patients"] == 1
    await page.click("#refresh")
    renewed = await somebody.told()
    assert renewed["token"] != told["token"]
    assert renewed["refresh"] != told["refresh"]
    assert renewed["laboratory"] == told["laboratory"]


async def test_a_visit_of_the_patient_is_chosen(person: NewPerson, built_in: Site, app_origin: str) -> None:
    somebody = await person(built_in)
    page = somebody.page
    await page.goto(f"{launch_page(app_origin, built_in)}&visit=1")
    await somebody.sign_in()
    await somebody.choose("김영희", "P-2025-000001")
    assert await somebody.text("h1") == "Which visit?"
    assert "김영희 · 1958-03-14 · P-2025-000001" in await somebody.text("dl.facts")
    assert await page.get_by_label("visit id").get_attribute("id") == "find"
    assert await page.evaluate("document.activeElement.id") == "find"
    shown = await page.locator("button.choice b").all_inner_texts()
    assert shown == sorted(shown, reverse=True)
    await page.click("button[lang=ko]")
    assert await somebody.text("h1") == "어느 내원인가요?"
    assert await somebody.fits()
    await somebody.choose("2025-02-03", "E-2025-000002")
    assert "2025-02-03 09:30 · inpatient encounter · 신경외과" in await somebody.text("dl.facts")
    await somebody.allow()
    told = await somebody.told()
    assert (told["patient"], told["encounter"]) == ("P-2025-000001", "E-2025-000002")
    assert "launch/encounter" in told["scope"].split()


async def launched(somebody: Person, **context: Any) -> httpx.Response:
    """What the EHR's own page gets when it begins a launch for who is signed in at it."""
    script = """async (content) => {
        const headers = { "content-type": "application/json" };
        const answer = await fetch("/api/auth/launch", { method: "POST", headers, body: content });
        return [answer.status, await answer.text()];
    }"""
    status, text = await somebody.page.evaluate(script, json.dumps(context))
    return httpx.Response(status, text=text)


async def test_an_ehr_hands_its_patient_over(person: NewPerson, either: Site, app_origin: str) -> None:
    somebody = await person(either)
    await somebody.sign_in_at_start_page()
    answer = await launched(
        somebody, patient="P-2025-000002", client_id="first-app", need_patient_banner=False
    )
    assert answer.status_code == 201
    assert answer.json()["url"].startswith(f"{app_origin}/launch.html?")
    await somebody.page.goto(answer.json()["url"])
    page_text = await somebody.text("main")
    assert "Allow access?" in page_text
    assert "이철수" in page_text
    await somebody.allow()
    told = await somebody.told()
    assert told["patient"] == "P-2025-000002"
    assert set(told["scope"].split()) == SCOPES - {"launch/patient"} | {"launch"}
    assert told["banner"] is False
    assert await somebody.text("#patient") == "이철수"
    await somebody.page.goto(answer.json()["url"])
    await somebody.allow()
    refused = somebody.page.locator("#told", has_text="this launch has been used already")
    await refused.wait_for()


async def test_signing_out_at_the_start_page_signs_out_at_the_provider(
    person: NewPerson, either: Site
) -> None:
    somebody = await person(either)
    await somebody.sign_in_at_start_page()
    await somebody.page.click("#sign-out")
    assert await somebody.text("#notice") == "Signed out."
    await somebody.page.click("#sign-in")
    await somebody.page.locator("input[name=password]").wait_for()
    assert await somebody.page.locator("button[value=allow]").count() == 0
