"""The computed pages are those of the code as it is, and what they say works."""

import re
from pathlib import Path

import httpx
import pytest

from fhir_facade import cli
from fhir_facade.app import create_app
from fhir_facade.documents import errors_page, pages, settings_page, stale_pages
from fhir_facade.settings import Settings
from tests.facade.facade import embedded_engine
from tests.facade.imaged import leave_images

DOCS = Path(__file__).parents[2] / "docs"
PAGES = pages(DOCS)


def test_the_pages_are_up_to_date() -> None:
    assert stale_pages(DOCS, PAGES) == [], "run `make docs`"


def test_the_same_code_gives_the_same_bytes() -> None:
    assert pages(DOCS) == PAGES


def test_check_names_what_is_out_of_date_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["docs", "--folder", str(tmp_path)]) == 0
    page = tmp_path / "mappings" / "Patient.md"
    page.write_text("old", "utf-8")
    (tmp_path / "mappings" / "Gone.md").write_text("old", "utf-8")
    assert cli.main(["docs", "--check", "--folder", str(tmp_path)]) == 1
    assert "mappings/Gone.md" in capsys.readouterr().err
    assert page.read_text("utf-8") == "old"
    assert cli.main(["docs", "--folder", str(tmp_path)]) == 0
    assert cli.main(["docs", "--check", "--folder", str(tmp_path)]) == 0
    assert not (tmp_path / "mappings" / "Gone.md").exists()


async def test_every_example_request_finds_something(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(app=create_app(Settings(data_dir=str(tmp_path), enable_security=False)))
    leave_images(embedded_engine(tmp_path))
    empty = []
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        for page in PAGES.values():
            for path in re.findall(r"GET (/api/fhir/[^`\s]+)", page.replace("\\|", "|")):
                response = await client.get(path)
                assert response.status_code == 200, f"{path}: {response.text[:300]}"
                if not response.json().get("entry"):
                    empty.append(path)
    assert empty == []


def test_every_setting_is_told_and_no_secret_has_a_default() -> None:
    page = settings_page()
    assert "`DB_PASSWORD` |  | " in page
    assert "`SITE_TIMEZONE` | `Asia/Seoul` | " in page


def test_errors_are_read_from_the_code_that_raises_them() -> None:
    page = errors_page()
    assert "## 413 " in page
    assert "the query is too long: send it by POST _search" in page
    assert "this page link is not valid: repeat the search" in page


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda p: str(p.relative_to(DOCS)))
def test_every_link_leads_to_a_page(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target
