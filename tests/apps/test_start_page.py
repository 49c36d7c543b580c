"""The start page and its viewer sign in as an app does, and keep nothing that they need not."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import Request

from tests.apps.conftest import NewPerson
from tests.apps.person import Person
from tests.apps.site import Site

PATIENT = "/view#Patient/P-2025-000001"


async def seen(person: Person, status: str) -> None:
    """Waits until the viewer shows an answer of that status."""
    await person.page.locator("#status", has_text=status).wait_for()


async def test_a_doctor_signs_in_sees_a_patient_and_signs_out(person: NewPerson, built_in: Site) -> None:
    somebody = await person(built_in)
    page = somebody.page
    await page.goto(f"{built_in.origin}/")
    await page.click("#sign-in")
    assert "asks for data of the hospital" in await somebody.text("main")
    await somebody.sign_in()
    assert "NeuroNova FHIR start page asks for access in your name." in await somebody.text("main")
    await somebody.allow()
    assert await somebody.text("#who") == "Signed in as 박지훈 (doctor)"
    assert page.url == f"{built_in.origin}/"
    await page.click("a[href$='#Patient/P-2025-000001']")
    await seen(somebody, "200 · Patient")
    assert "김영희" in await somebody.text("#json")
    session = await somebody.session()
    assert session is not None
    await page.click("#sign-out")
    assert await somebody.text("#notice") == "Signed out."
    assert await page.locator("#json").inner_text() == ""
    assert await somebody.session() is None
    async with httpx.AsyncClient(base_url=built_in.base) as http:
        headers = {"authorization": f"Bearer {session['token']}"}
        refused = await http.get("/Patient/P-2025-000001", headers=headers)
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (401, "login")
    await page.click("#sign-in")
    await page.locator("input[name=password]").wait_for()


#: the document in little: the whole one takes Swagger UI half a minute where others are at work
READING = {
    "openapi": "3.1.0",
    "info": {"title": "a little", "version": "1"},
    "paths": {
        "/api/fhir/Patient/{id}": {
            "get": {
                "tags": ["Patient"],
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                ],
                "responses": {"200": {"description": "it"}},
            }
        }
    },
}


async def test_requests_of_the_documentation_are_tried_by_who_signs_in_there(
    person: NewPerson, built_in: Site
) -> None:
    somebody = await person(built_in)
    page = somebody.page
    refused: list[str] = []
    page.on("console", lambda told: refused.append(told.text) if "Content Security" in told.text else None)
    await page.route("**/api/schema/", lambda route: route.fulfill(json=READING))
    await page.goto(f"{built_in.origin}/api/docs/")
    await page.click("#sign-in")
    await somebody.sign_in()
    assert "NeuroNova API documentation asks for access in your name." in await somebody.text("main")
    await somebody.allow()
    assert await somebody.text("#who") == "Signed in as 박지훈 (doctor)"
    assert page.url.startswith(f"{built_in.origin}/api/docs/")
    await page.locator("#operations-tag-Patient").click()
    read = page.locator(".opblock-get", has=page.locator("[data-path='/api/fhir/Patient/{id}']"))
    await read.locator(".opblock-summary-control").click()
    await read.get_by_role("button", name="Try it out").click()
    await read.locator("input[placeholder=id]").fill("P-2025-000001")
    async with page.expect_response(f"{built_in.base}/Patient/P-2025-000001") as answered:
        await read.get_by_role("button", name="Execute").click()
    assert (await answered.value).status == 200
    assert "김영희" in await somebody.text("pre.microlight:has-text('resourceType')")
    await page.click("#sign-out")
    assert await somebody.text("#notice") == "Signed out."
    assert await page.evaluate("sessionStorage.length") == 0
    assert refused == []


async def test_the_token_is_in_the_tab_only_and_the_code_nowhere(person: NewPerson, built_in: Site) -> None:
    somebody = await person(built_in)
    await somebody.sign_in_at_start_page()
    page = somebody.page
    assert "code=" not in page.url
    assert await page.evaluate("localStorage.length") == 0
    assert sorted(await page.evaluate("Object.keys(sessionStorage)")) == ["session"]
    cookies = await page.context.cookies()
    assert {(cookie["path"], cookie["httpOnly"]) for cookie in cookies} == {("/api/auth", True)}
    other = Person(await page.context.new_page(), built_in)
    await other.page.goto(f"{built_in.origin}/")
    assert await other.session() is None
    assert await other.page.locator("#sign-in").is_visible()


async def test_the_viewer_asks_to_sign_in_and_goes_on_where_it_was(person: NewPerson, built_in: Site) -> None:
    somebody = await person(built_in)
    await somebody.page.goto(f"{built_in.origin}{PATIENT}")
    await seen(somebody, "401 · OperationOutcome")
    assert await somebody.text("#notice") == "Sign in to see records."
    await somebody.page.click("#sign-in")
    await somebody.sign_in("nurse")
    await somebody.allow()
    await seen(somebody, "200 · Patient")
    assert somebody.page.url == f"{built_in.origin}{PATIENT}"
    assert await somebody.text("#who") == "Signed in as 한은지 (nurse)"


async def test_the_viewer_shows_a_page_of_a_thousand_whole(person: NewPerson, built_in: Site) -> None:
    somebody = await person(built_in)
    await somebody.sign_in_at_start_page()
    await somebody.page.goto(f"{built_in.origin}/view#Observation?_count=1000&_include=*")
    await seen(somebody, "200 · Bundle")
    assert (await somebody.text("#json")).endswith("}")


async def test_when_the_token_has_ended_the_viewer_says_so(person: NewPerson, built_in: Site) -> None:
    somebody = await person(built_in)
    await somebody.sign_in_at_start_page()
    session = await somebody.session()
    assert session is not None
    async with httpx.AsyncClient(base_url=built_in.origin) as http:
        form = {"token": session["token"], "client_id": "landing"}
        assert (await http.post("/api/auth/revoke", data=form)).status_code == 200
    await somebody.page.goto(f"{built_in.origin}{PATIENT}")
    await seen(somebody, "401 · OperationOutcome")
    assert await somebody.text("#notice") == "The sign-in has ended. Sign in again."
    assert await somebody.session() is None
    assert await somebody.page.locator("#sign-in").is_visible()


async def test_a_refusal_signs_nobody_in(person: NewPerson, built_in: Site) -> None:
    somebody = await person(built_in)
    await somebody.page.goto(f"{built_in.origin}/")
    await somebody.page.click("#sign-in")
    await somebody.sign_in()
    await somebody.page.click("button[value=deny]")
    assert await somebody.text("#notice") == "You refused access; nobody is signed in."
    assert await somebody.session() is None


@pytest.mark.parametrize("begun", [False, True])
async def test_a_code_that_was_not_asked_for_is_not_used(
    person: NewPerson, built_in: Site, begun: bool
) -> None:
    """Else somebody could sign others in as themselves."""
    somebody = await person(built_in)
    page, asked = somebody.page, list[str]()

    def heard(request: Request) -> None:
        asked.append(request.url)

    if begun:
        await page.goto(f"{built_in.origin}/")
        await page.click("#sign-in")
        await page.locator("input[name=password]").wait_for()
    page.on("request", heard)
    issuer = f"{built_in.origin}/api/auth"
    await page.goto(f"{built_in.origin}/?code=theirs&state=theirs&iss={issuer}")
    assert await somebody.text("#notice") == "The sign-in failed. Try again."
    assert page.url == f"{built_in.origin}/?lang=en"
    assert not [url for url in asked if url.endswith("/token")]
    assert await page.evaluate("sessionStorage.length") == 0


async def test_all_is_in_korean_for_whom_it_is(person: NewPerson, built_in: Site) -> None:
    somebody = await person(built_in, "ko-KR")
    page = somebody.page
    await page.goto(f"{built_in.origin}{PATIENT}")
    assert await somebody.text("#notice") == "기록을 보려면 로그인하세요."
    await page.click("#sign-in")
    assert "병원 계정으로 로그인하세요." in await somebody.text("main")
    await somebody.sign_in()
    assert "앱이 당신의 이름으로 접근하려고 합니다." in await somebody.text("main")
    await somebody.allow()
    assert await somebody.text("#who") == "박지훈 (의사) 로그인 중"


async def test_the_language_that_was_chosen_stays(person: NewPerson, built_in: Site) -> None:
    somebody = await person(built_in)
    page = somebody.page
    await page.goto(f"{built_in.origin}/?lang=ko")
    await page.click("#sign-in")
    await page.locator("html[lang=ko] input[name=password]").wait_for()
    await somebody.sign_in()
    await page.locator("html[lang=ko] button[value=allow]").wait_for()
    await page.click("button[name=lang]")
    assert await somebody.text("h1") == "Allow access?"
    await page.click("text=Not you? Sign out")
    assert await somebody.text("h1") == "Sign in"


async def test_no_page_is_wider_than_a_telephone(person: NewPerson, built_in: Site) -> None:
    somebody = await person(built_in, "ko-KR")
    await somebody.page.goto(f"{built_in.origin}/")
    assert await somebody.fits()
    await somebody.page.click("#sign-in")
    await somebody.page.locator("input[name=password]").wait_for()
    assert await somebody.fits()
    await somebody.sign_in()
    await somebody.page.locator("button[value=allow]").wait_for()
    assert await somebody.fits()
    await somebody.allow()
    await somebody.page.locator("#sign-out").wait_for()
    assert await somebody.fits()
    await somebody.page.goto(f"{built_in.origin}{PATIENT}")
    await seen(somebody, "200 · Patient")
    assert await somebody.fits()


async def test_without_scripts_the_page_says_what_to_do(person: NewPerson, built_in: Site) -> None:
    somebody = await person(built_in, scripts=False)
    await somebody.page.goto(f"{built_in.origin}/")
    text = await somebody.text("main")
    assert "ask from a terminal with a token" in text
    token = "$(fhir-facade token --user doctor --scope 'user/*.rs')"
    assert f'curl -H "Authorization: Bearer {token}"' in text
    assert "doctor 박지훈 doctor" in text
    assert "demo-password" in text
    assert built_in.password not in await somebody.page.content()
    assert not await somebody.page.locator("#sign-in").is_visible()


async def test_the_viewer_tells_an_order_s_story_in_a_line(person: NewPerson, built_in: Site) -> None:
    somebody = await person(built_in)
    await somebody.sign_in_at_start_page()
    await somebody.page.click("a[href$='#ServiceRequest/O-2025-000001/$story']")
    await seen(somebody, "200 · Bundle")
    told = await somebody.text("#entries li:first-child")
    assert "order found → study found → report found" in told
    assert told.endswith("sign-off found")
    await somebody.page.click("#entries a[href='#ServiceRequest/O-2025-000001/$story']")
