"""A database that can't be asked: nobody is let in, and what it was asked with stays out of the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from smart_auth.access.caller import User
from smart_auth.endpoints.router import TOKENS_AT_ONCE
from smart_auth.faults import AwayFault
from smart_auth.seal import fresh
from smart_auth.store.tables import Grant
from smart_auth.store.transaction import now
from smart_auth.tokens.minting import person_json
from tests.facade.facade import ORIGIN, Facade, embedded_engine, embedded_folder, execute, settings_of
from tests.smart_auth.app import AUTH, App, register, server_of

REASON = "found unconscious after seizures"


@contextmanager
def without(own_hospital: Facade, table: str) -> Iterator[None]:
    """The databases without a table."""
    engine = embedded_engine(own_hospital.settings.data_path)
    execute(engine, f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        execute(engine, f"ALTER TABLE {table}_away RENAME TO {table}")
        engine.dispose()


async def test_what_a_refused_statement_was_sent_is_in_no_log(
    own_hospital: Facade, caplog: pytest.LogCaptureFixture
) -> None:
    app = App.of(own_hospital)
    token = f"Bearer {(await app.tokens())['access_token']}"
    with without(own_hospital, "alert_notification"), caplog.at_level(logging.DEBUG):
        answer = await app.post("emergency", authorization=token, patient="P-2025-000002", reason=REASON)
    await app.browser.aclose()
    assert answer.status_code == 503, answer.text
    assert answer.json()["error"] == "temporarily_unavailable"
    assert answer.headers["cache-control"] == "no-store"
    assert "alert_notification" in caplog.text
    assert REASON not in caplog.text
    assert "P-2025-000002" not in caplog.text


def test_what_a_database_repeats_of_a_value_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    refused = Exception(1062, "Duplicate entry 'P-2025-000002' for key 'who'")
    AwayFault(IntegrityError("INSERT INTO alert_notification VALUES (?)", ("P-2025-000002",), refused))
    assert "Exception 1062 at INSERT INTO alert_notification" in caplog.text
    assert "P-2025-000002" not in caplog.text


async def test_a_page_that_the_database_has_nothing_for_says_so(
    own_hospital: Facade, caplog: pytest.LogCaptureFixture
) -> None:
    with without(own_hospital, "fhir_auth_session"), caplog.at_level(logging.DEBUG):
        page = await own_hospital.http.get(
            f"{AUTH}/apps", headers={"cookie": "fhir_auth_session=a-secret-cookie"}
        )
        launch = await own_hospital.http.post(
            f"{AUTH}/launch", headers={"cookie": "fhir_auth_session=a-secret-cookie", "origin": ORIGIN}
        )
    assert (page.status_code, launch.status_code) == (503, 503)
    assert launch.json()["error"] == "temporarily_unavailable"
    assert "The database can" in page.text
    assert page.headers["content-security-policy"]
    assert "a-secret-cookie" not in caplog.text


async def test_a_provider_that_does_not_answer_holds_up_tokens_alone(tmp_path: Path) -> None:
    """Who has a token goes on: requests of a browser ask whose page it is, in threads of their own."""
    full, let_go, writers = asyncio.Event(), asyncio.Event(), list[asyncio.StreamWriter]()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        if len(writers) == TOKENS_AT_ONCE:
            full.set()
        await let_go.wait()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as keycloak:
        port = keycloak.sockets[0].getsockname()[1]
        settings = settings_of(embedded_folder(tmp_path), enable_security=True)
        facade = Facade(
            replace(settings, keycloak_url=f"http://127.0.0.1:{port}", keycloak_client_secret="x")
        )
        app = App.of(facade, register(facade))
        tokens = [kept(facade, app.client.client_id) for _ in range(TOKENS_AT_ONCE + 5)]
        waiting = [asyncio.create_task(app.refresh(token)) for token in tokens]
        await full.wait()
        async with asyncio.timeout(5):
            answer = await facade.get("Patient", origin="https://app.example")
        let_go.set()
        refused = await asyncio.gather(*waiting)
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert {r.status_code for r in refused} == {503}
    await app.browser.aclose()
    await facade.close()


def kept(facade: Facade, client_id: str) -> str:
    """A refresh token of somebody whom Keycloak is asked for."""
    server, person = server_of(facade), User("kim", "kim", "Kim", frozenset({"doctor"}))
    grant = Grant(
        id=fresh(),
        client_id=client_id,
        subject="kim",
        person=server.seals.rows.seal([person_json(person), '{"since": 0, "refresh": ""}']),
        scopes="user/*.rs offline_access",
        context='{"auth_time": 0}',
        access="offline",
        created=now(),
        expires=now() + 600,
    )
    server.families.keep(grant)
    return server.families.refresh_token(grant)
