"""A database that can't be asked: nobody is let in, and what it was asked with stays out of the log."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.facade.facade import ORIGIN, Facade, embedded_engine, embedded_folder, execute, settings_of
from tests.smart_auth.app import AUTH, App

REASON = "found unconscious after seizures"


@pytest_asyncio.fixture(scope="module")
async def hospital(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Facade]:
    """A hospital whose tables go away."""
    folder: Path = embedded_folder(tmp_path_factory.mktemp("outages"))
    facade = Facade(settings_of(folder, enable_security=True))
    yield facade
    await facade.close()


@contextmanager
def without(hospital: Facade, table: str) -> Iterator[None]:
    """The databases without a table."""
    engine = embedded_engine(hospital.settings.data_path)
    execute(engine, f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        execute(engine, f"ALTER TABLE {table}_away RENAME TO {table}")
        engine.dispose()


async def test_what_a_refused_statement_was_sent_is_in_no_log(
    hospital: Facade, caplog: pytest.LogCaptureFixture
) -> None:
    app = App.of(hospital)
    token = f"Bearer {(await app.tokens())['access_token']}"
    with without(hospital, "alert_notification"), caplog.at_level(logging.DEBUG):
        answer = await app.post("emergency", authorization=token, patient="P-2025-000002", reason=REASON)
    await app.browser.aclose()
    assert answer.status_code == 503, answer.text
    assert answer.json()["error"] == "temporarily_unavailable"
    assert answer.headers["cache-control"] == "no-store"
    assert "alert_notification" in caplog.text
    assert REASON not in caplog.text
    assert "P-2025-000002" not in caplog.text


async def test_a_page_that_the_database_has_nothing_for_says_so(
    hospital: Facade, caplog: pytest.LogCaptureFixture
) -> None:
    with without(hospital, "fhir_auth_session"), caplog.at_level(logging.DEBUG):
        page = await hospital.http.get(
            f"{AUTH}/apps", headers={"cookie": "fhir_auth_session=a-secret-cookie"}
        )
        launch = await hospital.http.post(
            f"{AUTH}/launch", headers={"cookie": "fhir_auth_session=a-secret-cookie", "origin": ORIGIN}
        )
    assert (page.status_code, launch.status_code) == (503, 503)
    assert launch.json()["error"] == "temporarily_unavailable"
    assert "The database can" in page.text
    assert page.headers["content-security-policy"]
    assert "a-secret-cookie" not in caplog.text
