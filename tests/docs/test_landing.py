"""The page at `/` says what is there, its links work, and nothing in it can be turned against its reader."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from fhir_facade import demo_users
from fhir_facade.app import create_app, service_of
from fhir_facade.landing import SignIn, landing_page
from fhir_facade.registry import NATIVE
from fhir_facade.settings import Settings
from mappers.demo import create_embedded
from tests.facade.facade import Facade, settings_of
from tests.services.process import free_port, listens, running


@pytest_asyncio.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(data_dir=str(tmp_path_factory.mktemp("landing")), enable_security=False))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client


@pytest_asyncio.fixture(scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Facade]:
    """A facade whose pages can sign in, because they are on loopback."""
    settings = Settings(data_dir=str(tmp_path_factory.mktemp("secured")))
    facade = Facade(settings)
    facade.http.base_url = httpx.URL(settings.base_url)
    yield facade
    await facade.close()


@pytest.mark.parametrize(("lang", "words"), [("en", "Demonstration data"), ("ko", "시연용 데이터")])
async def test_it_speaks_both_languages(client: httpx.AsyncClient, lang: str, words: str) -> None:
    for response in (
        await client.get("/", params={"lang": lang}),
        await client.get("/", headers={"Accept-Language": f"{lang}-KR,{lang};q=0.9,fr;q=0.8"}),
    ):
        assert words in response.text
        assert f'<html lang="{lang}">' in response.text


@pytest.mark.parametrize("lang", ["en", "ko"])
async def test_every_link_works_without_scripts(client: httpx.AsyncClient, lang: str) -> None:
    page = (await client.get("/", params={"lang": lang})).text
    links = {unescape(link) for link in re.findall(r'(?:href|src)="([^"]+)"', page)}
    assert len(links) > 20
    for link in links:
        response = await client.get(link)
        assert response.status_code == 200, link
        if link.startswith("/api/fhir/") and "metadata" not in link:
            found = response.json()
            written = (
                found["resourceType"] == "Bundle" and link.rpartition("/")[2].partition("?")[0] in NATIVE
            )
            assert written or "entry" in found or found["id"], link


@pytest.mark.parametrize("path", ["/", "/view", "/web/style.css", "/web/view.js", "/web/nothing"])
async def test_pages_come_with_headers_that_keep_others_out(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_pages_have_no_script_or_style_of_their_own(client: httpx.AsyncClient) -> None:
    for path in ("/", "/view"):
        page = (await client.get(path)).text
        assert not re.search(r"<script(?! src=)|<style|\son\w+=|style=|https?://(?!127)", page)


@pytest.mark.parametrize(
    "path", ["/nothing", "/web/..%2fapp.py", "/web/en.json", "/api/patients", "/api", "/api/"]
)
async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_head_is_answered_like_get(client: httpx.AsyncClient) -> None:
    response = await client.head("/")
    assert (response.status_code, response.text) == (200, "")


def test_over_real_databases_no_patient_is_shown_around(tmp_path: Path) -> None:
    service = service_of(Settings(data_dir=str(tmp_path), enable_security=False))
    real = replace(
        service,
        settings=Settings(data_dir=str(tmp_path), db_host="db", enable_security=False),
        degraded=("no <b>",),
    )
    page = landing_page(real, "en")
    assert "Hospital databases" in page
    assert "invented" not in page
    assert "P-2025-000001" not in page
    assert "<li>no &lt;b&gt;</li>" in page


# with access control


@pytest.mark.parametrize("lang", ["en", "ko"])
async def test_it_names_the_demo_s_users_and_not_their_password(secured: Facade, lang: str) -> None:
    page = (await secured.http.get("/", params={"lang": lang})).text
    for user in demo_users.demo_users():
        assert f"<code>{user.username}</code> {user.name}" in page
    assert "demo-password" in page
    assert demo_users.password(secured.settings.data_path) not in page
    assert "$(fhir-facade token --user doctor --scope 'user/*.rs')" in page


async def test_every_link_answers_or_asks_for_a_token(secured: Facade) -> None:
    page = (await secured.http.get("/")).text
    links = {unescape(link) for link in re.findall(r'(?:href|src)="([^"]+)"', page)}
    asked = [link for link in links if link.startswith("/api/fhir/") and "metadata" not in link]
    assert len(asked) > 20
    for link in links:
        response = await secured.http.get(link)
        assert response.status_code == (401 if link in asked else 200), link
        if link in asked:
            assert response.json()["issue"][0]["code"] == "login"


async def test_scripts_are_told_how_to_sign_in(secured: Facade) -> None:
    for path in ("/", "/view"):
        page = (await secured.http.get(path)).text
        assert 'data-origin="http://127.0.0.1:8000"' in page
        assert 'data-client="landing"' in page
    assert secured.app.authorization is not None
    client = secured.app.authorization.clients.get("landing")
    assert client is not None
    assert (client.kind, client.redirect_uris) == ("public", "http://127.0.0.1:8000/")
    assert client.scopes == "openid fhirUser profile user/*.rs"


async def test_where_a_browser_cannot_sign_in_the_page_says_so(tmp_path: Path) -> None:
    facade = Facade(settings_of(tmp_path, enable_security=True))
    page = (await facade.http.get("/")).text
    await facade.close()
    assert facade.app.authorization is not None
    assert facade.app.authorization.clients.get("landing") is None
    assert "This address is not https" in page
    assert 'id="account"' not in page


def test_users_that_are_not_the_demo_s_are_not_told(secured: Facade) -> None:
    page = landing_page(secured.service, "en", SignIn(in_browser=True, as_demo=False))
    assert "demo-password" not in page
    assert "doctor" not in page.partition("</header>")[2]
    assert 'curl -H "Authorization: Bearer $TOKEN"' in page


async def test_without_access_control_nobody_is_asked_to_sign_in(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    assert "Access control is switched off" in page
    assert 'id="account"' not in page
    assert "curl 'http" in page


# in a browser


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None and not os.environ.get("CI"):
        pytest.skip("no Chromium")
    assert found is not None, "CI has a Chromium"
    return found


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose first patient's name is markup."""
    data = tmp_path_factory.mktemp("browser")
    create_embedded(data)
    with sqlite3.connect(data / "cdss.db") as connection:
        connection.execute("UPDATE emr_patientcache SET name = '<img src=x onerror=document.title=`taken`>'")
    connection.close()
    port = free_port()
    environment = [f"DATA_DIR={data}", f"PORT={port}", "ENABLE_SECURITY=false"]
    command = ["env", *environment, sys.executable, "-m", "fhir_facade.cli", "serve"]
    with running(command, data / "log", lambda: listens(port)):
        yield f"http://127.0.0.1:{port}"


def dom(browser: str, url: str, folder: Path) -> str:
    """What stands in a page once its scripts ran."""
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
    ]
    own = [f"--user-data-dir={folder}", "--virtual-time-budget=5000", "--dump-dom", url]
    done = subprocess.run([browser, *options, *own], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_the_viewer_shows_references_as_links(browser: str, address: str, tmp_path: Path) -> None:
    page = dom(browser, f"{address}/view#Observation/lab-1", tmp_path)
    assert "200 · Observation" in page
    assert '<a href="#Patient/P-2025-000001">' in page


def test_the_viewer_shows_markup_in_a_record_as_text(browser: str, address: str, tmp_path: Path) -> None:
    page = dom(browser, f"{address}/view#Patient?_count=3", tmp_path)
    assert "&lt;img src=x" in page
    assert '<img src="x"' not in page
    assert "<title>taken" not in page


def test_links_lead_to_the_viewer_where_scripts_run(browser: str, address: str, tmp_path: Path) -> None:
    page = dom(browser, address, tmp_path)
    assert 'href="/view?lang=en#Patient/P-2025-000001"' in page
    assert 'href="/view?lang=en#metadata"' in page
