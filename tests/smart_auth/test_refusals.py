"""Authorization requests that are not good: told on a page where nobody can be trusted, else to the app."""

import pytest

from tests.facade.facade import BASE
from tests.smart_auth.app import AUTH, CALLBACK, App, pkce, register

#: what is not the registered address, though it looks like it
NEARLY = [
    f"{CALLBACK}/more",
    f"{CALLBACK}&more=1",
    f"{CALLBACK}#fragment",
    CALLBACK.replace("app.example", "app.example:8443"),
    CALLBACK.replace("https", "http"),
    CALLBACK.replace("app.example", "app.example.evil.example"),
    CALLBACK.replace("app.example", "APP.example"),
    CALLBACK.replace("/callback", "/x/../callback"),
    CALLBACK.replace("/callback", "/%63allback"),
    f"{CALLBACK} ",
    "",
]


@pytest.mark.parametrize("uri", NEARLY)
async def test_a_redirect_uri_is_taken_letter_by_letter(app: App, uri: str) -> None:
    response = await app.ask(redirect_uri=uri)
    assert response.status_code == 400
    assert "location" not in response.headers
    assert "not registered" in response.text
    assert response.headers["cache-control"] == "no-store"


async def test_a_request_without_redirect_uri_or_with_two_goes_nowhere(app: App) -> None:
    assert (await app.ask(redirect_uri=None)).status_code == 400
    response = await app.browser.post(
        f"{AUTH}/authorize", data=app.request() | {"redirect_uri": [CALLBACK, CALLBACK]}
    )
    assert response.status_code == 400


@pytest.mark.parametrize("client_id", ["nobody", "", None])
async def test_an_unknown_client_goes_nowhere(app: App, client_id: str | None) -> None:
    response = await app.ask(client_id=client_id)
    assert response.status_code == 400
    assert "location" not in response.headers


async def test_a_client_that_differs_in_case_or_blanks_is_unknown(app: App) -> None:
    for other in (app.client.client_id.upper(), f"{app.client.client_id} "):
        assert (await app.ask(client_id=other)).status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": "a" * 42 + "="}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"aud": "https://another.example/fhir"}, "invalid_request"),
        ({"aud": f"{BASE}//"}, "invalid_request"),
        ({"aud": f"{BASE}/Patient"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://app.example/r"}, "request_uri_not_supported"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "patient/*.everything"}, "invalid_scope"),
        ({"launch": "garbage"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"nonce": "n" * 513}, "invalid_request"),
    ],
)
async def test_other_faults_are_told_to_the_app(app: App, changes: dict[str, str | None], error: str) -> None:
    came = app.came_back(await app.ask(**changes))
    assert came["error"] == error
    assert came["error_description"]
    assert came["state"] == "a state/+ü~"
    assert came["iss"] == AUTH


async def test_the_base_is_the_audience_with_a_slash_too(app: App) -> None:
    response = await app.ask(aud=f"{BASE}/")
    assert response.headers["location"].startswith(f"{AUTH}/continue?")


async def test_a_parameter_that_comes_twice_is_refused(app: App) -> None:
    form = app.request() | {"scope": ["openid", "user/*.rs"]}
    response = await app.browser.post(f"{AUTH}/authorize", data=form)
    assert app.came_back(response)["error"] == "invalid_request"


async def test_a_request_that_was_changed_on_its_way_is_refused(app: App) -> None:
    address = (await app.ask()).headers["location"]
    changed = await app.browser.get(address[:-4] + ("AAAA" if not address.endswith("AAAA") else "BBBB"))
    assert changed.status_code == 400
    assert "too old" in changed.text
    assert (await app.browser.get(f"{AUTH}/continue")).status_code == 400


async def test_what_is_no_form_is_refused(app: App) -> None:
    assert (await app.browser.post(f"{AUTH}/authorize", json={})).status_code == 400
    assert (await app.browser.get(f"{AUTH}/authorize?client_id=%ff%fe")).status_code == 400


async def test_a_patient_chosen_in_another_session_does_not_count(app: App) -> None:
    page = await app.consent_page()
    text = str(page.url).split("request=")[1].split("&")[0]
    other = App.of(app.facade, app.client, "nurse")
    seen = await other.sign_in(await other.follow(await other.ask()))
    assert seen.status_code == 200
    shown = await other.browser.get(f"{AUTH}/continue?request={text}")
    assert 'action="/api/auth/patient"' in shown.text  # has to choose for herself
    await other.browser.aclose()


async def test_a_confidential_client_needs_pkce_too(app: App) -> None:
    client = register(app.facade, kind="symmetric", secret_hash="x")
    mine = app.another(client=client, challenge=pkce()[1])
    assert app.came_back(await mine.ask(code_challenge=None))["error"] == "invalid_request"


@pytest.mark.parametrize("path", ["login/", "authorize/", "continue/", "idp/sign-in/"])
async def test_nobody_is_sent_to_a_host_that_the_request_names(app: App, path: str) -> None:
    response = await app.browser.get(f"{AUTH}/{path}", headers={"host": "evil.example"})
    assert response.status_code == 404
    assert "location" not in response.headers
