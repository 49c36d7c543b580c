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

from fhir_facade.app import create_app, service_of
from fhir_facade.landing import landing_page
from fhir_facade.settings import Settings
from mappers.demo import create_embedded
from tests.services.process import free_port, listens, running


@pytest_asyncio.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(data_dir=str(tmp_path_factory.mktemp("landing")), enable_security=False))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client


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
            assert "entry" in response.json() or response.json()["id"], link


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
    assert 'href="/view#Patient/P-2025-000001"' in page
    assert 'href="/view#metadata"' in page
