"""EHR launches: opaque, for one user, for one use."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from smart_auth.endpoints.launches import launch as begin
from tests.facade.facade import BASE
from tests.smart_auth.app import App, offered, register, server_of

SCOPE = "launch openid fhirUser patient/*.rs"


async def launch(app: App, token: str, **content: Any) -> Any:
    headers = {"authorization": f"Bearer {token}"}
    return await app.facade.http.post("/api/auth/launch", json=content, headers=headers)


async def token_for_launching(app: App) -> str:
    """A token of the hospital's own page, whose user may begin launches."""
    made = await app.tokens(scope="launch user/Patient.rs openid")
    return str(made["access_token"])


@pytest.fixture
async def handle(app: App) -> str:
    """A launch of the doctor, whoever knows them."""
    server = server_of(app.facade)
    elsewhere = App.of(app.facade, app.client)
    token = (await elsewhere.tokens(scope="user/Patient.rs openid"))["access_token"]
    await elsewhere.browser.aclose()
    doctor = (await server.bearer.caller(f"Bearer {token}")).user
    assert doctor is not None
    context = {"patient": "P-2025-000002", "encounter": "E-2025-000002", "need_patient_banner": False}
    return begin(server, doctor, context)["launch"]


async def test_a_launch_brings_its_patient_and_visit(app: App, handle: str) -> None:
    answer = await app.tokens(scope=SCOPE, launch=handle)
    assert answer["patient"] == "P-2025-000002"
    assert answer["encounter"] == "E-2025-000002"
    assert answer["need_patient_banner"] is False
    assert "launch" in answer["scope"].split()


async def test_a_launch_is_good_once(app: App, handle: str) -> None:
    page = await app.consent_page(scope=SCOPE, launch=handle)
    twin = await app.consent_page(scope=SCOPE, launch=handle)
    await app.submit(page, "consent", decision="allow", scope=offered(page))
    came = app.came_back(await app.submit(twin, "consent", decision="allow", scope=offered(twin)))
    assert came["error"] == "invalid_request"
    assert "used already" in came["error_description"]


@pytest.mark.parametrize(
    "change", [lambda h: h[:-3] + "abc", lambda h: h[5:], lambda h: "garbage", lambda h: ""]
)
async def test_a_launch_that_was_changed_is_refused(app: App, handle: str, change: Any) -> None:
    came = app.came_back(await app.ask(scope=SCOPE, launch=change(handle)))
    assert came["error"] == "invalid_request"


async def test_a_launch_is_for_its_user(app: App, handle: str) -> None:
    nurse = App.of(app.facade, app.client, "nurse")
    page = await nurse.sign_in(await nurse.follow(await nurse.ask(scope=SCOPE, launch=handle)))
    assert nurse.came_back(page)["error"] == "access_denied"
    await nurse.browser.aclose()


async def test_a_launch_expires(app: App, handle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    later = time.time() + 301
    monkeypatch.setattr("smart_auth.seal.time.time", lambda: later)
    assert app.came_back(await app.ask(scope=SCOPE, launch=handle))["error"] == "invalid_request"


async def test_without_a_launch_there_is_no_launch_context(app: App) -> None:
    answer = await app.tokens(scope="launch openid patient/*.rs user/*.rs")
    assert answer["scope"] == "openid user/*.rs"
    assert "patient" not in answer


async def test_a_page_without_the_scope_launch_begins_none(app: App) -> None:
    tokens = await app.tokens()
    response = await launch(app, tokens["access_token"], patient="P-2025-000001")
    assert response.status_code == 403
    assert response.json()["error"] == "insufficient_scope"
    assert (await app.facade.http.post("/api/auth/launch", json={})).status_code == 401


async def test_a_launch_token_begins_launches_of_its_user(app: App, handle: str) -> None:
    token = (await app.tokens(scope=SCOPE, launch=handle))["access_token"]
    goal = register(app.facade, launch_url="https://app.example/launch?x=1")
    context = {"patient": "P-2025-000001", "encounter": "E-2025-000002"}
    response = await launch(app, token, **context, client_id=goal.client_id)
    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    made = response.json()
    query = dict(parse_qsl(urlsplit(made["url"]).query))
    assert query == {"x": "1", "iss": BASE, "launch": made["launch"]}
    elsewhere = app.came_back(await app.ask(scope=SCOPE, launch=made["launch"]))
    assert elsewhere["error"] == "invalid_request"  # it is for the other client


@pytest.mark.parametrize(
    "content",
    [
        {"patient": "P-2099-999999"},
        {"encounter": "E-2025-000002"},
        {"patient": "P-2025-000002", "encounter": "E-2025-000002"},
        {"patient": "P-2025-000001", "encounter": "E-2099-000002"},
        {"patient": "P-2025-000001", "encounter": ""},
        {"patient": 7},
        {"unknown": "x"},
        {"client_id": "nobody"},
        {"need_patient_banner": "yes"},
    ],
)
async def test_a_launch_of_what_is_not_there_is_refused(
    app: App, handle: str, content: dict[str, Any]
) -> None:
    token = (await app.tokens(scope=SCOPE, launch=handle))["access_token"]
    assert (await launch(app, token, **content)).status_code in (400, 403)


async def test_a_page_of_another_origin_begins_none_with_our_cookie(app: App) -> None:
    await app.tokens()
    for origin, status in (("https://evil.example", 401), ("http://facade.test", 201)):
        response = await app.browser.post(
            "/api/auth/launch", json={"patient": "P-2025-000001"}, headers={"origin": origin}
        )
        assert response.status_code == status
