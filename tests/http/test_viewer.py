"""`/pacs-viewer`: the viewer's files as they are made ready, and nothing beside them."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from fhir_facade import viewer
from fhir_facade.settings import Settings
from tests.facade.facade import ORIGIN, Facade

INDEX, SCRIPT = "<!doctype html><title>OHIF</title>", "console.log(1)\n" * 100


@pytest_asyncio.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A browser before a viewer of three files; beside its folder there is one that isn't for it."""
    folder = tmp_path / "ohif"
    (folder / "assets").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("no")
    (folder / "index.html").write_text(INDEX)
    (folder / "assets" / "a b.svg").write_text("<svg/>")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "app.bundle.0f61.js").write_text(SCRIPT)
    (folder / "app.bundle.0f61.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    application = FastAPI()
    application.include_router(viewer.router(replace(Settings(), viewer_root=str(folder)), by_launch=False))
    transport = httpx.ASGITransport(app=application)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as found:
        yield found


@pytest.mark.parametrize("name", ["%00", "a%00b", "a" * 300, "a/" * 3000])
async def test_what_no_file_can_be_called_is_a_page_of_the_viewer(http: httpx.AsyncClient, name: str) -> None:
    answer = await http.get(f"/pacs-viewer/{name}")
    assert (answer.status_code, answer.text) == (200, INDEX)
    assert (await http.get(f"/pacs-viewer/{name}.js")).status_code == 404


async def test_the_viewers_address_ends_with_a_slash(http: httpx.AsyncClient) -> None:
    answer = await http.get("/pacs-viewer?StudyInstanceUIDs=1.2")
    assert (answer.status_code, answer.headers["location"]) == (308, "/pacs-viewer/?StudyInstanceUIDs=1.2")


@pytest.mark.parametrize("path", ["", "viewer?StudyInstanceUIDs=1.2", "index.html"])
async def test_every_page_of_the_viewer_is_its_one_page(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(f"/pacs-viewer/{path}")
    assert (answer.status_code, answer.text) == (200, INDEX)
    assert answer.headers["cache-control"] == "no-cache"
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert "http" not in answer.headers["content-security-policy"]


async def test_scripts_are_sent_compressed_and_kept(http: httpx.AsyncClient) -> None:
    path = "/pacs-viewer/app.bundle.0f61.js"
    answer = await http.get(path, headers={"accept-encoding": "gzip"})
    assert (answer.text, answer.headers["content-encoding"]) == (SCRIPT, "gzip")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    plain = await http.get(path, headers={"accept-encoding": "identity"})
    assert (plain.text, plain.headers.get("content-encoding")) == (SCRIPT, None)
    head = await http.head(path, headers={"accept-encoding": "identity"})
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(SCRIPT)))


@pytest.mark.parametrize(
    "path", ["../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "link.txt", "no.js"]
)
async def test_nothing_but_its_files_is_served(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(f"/pacs-viewer/{path}")
    assert answer.status_code == 404
    assert answer.content in (b"", b'{"detail":"Not Found"}')


async def test_without_files_a_page_says_how_to_get_them(embedded: Facade) -> None:
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=embedded.app), base_url=ORIGIN)
    answer = await http.get("/pacs-viewer/", headers={"accept-language": "en"})
    assert answer.status_code == 200
    assert "make viewer" in answer.text
    assert '<html lang="en">' in answer.text
