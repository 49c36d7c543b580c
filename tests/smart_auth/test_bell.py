"""A bell that all processes of a host hear: who revokes rings, and who hears nothing asks nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smart_auth.store.revocations import revoke
from smart_auth.store.transaction import now
from smart_auth.tokens.bell import Bell
from smart_auth.tokens.revocations import SILENCE, Revocations
from tests.facade.facade import Facade
from tests.smart_auth.app import server_of


class Counting:
    """A database that counts what it is asked."""

    def __init__(self, database: Any) -> None:
        self.database, self.asked, self.dialect = database, 0, database.dialect

    async def fetch(self, sql: str, parameters: tuple[Any, ...]) -> Any:
        self.asked += 1
        return await self.database.fetch(sql, parameters)


def test_another_process_is_heard(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "bell")
    before = bell.tone()
    assert bell.tone() == before
    ringing = (
        "import pathlib, sys; from smart_auth.tokens.bell import Bell; Bell(pathlib.Path(sys.argv[1])).ring()"
    )
    subprocess.run([sys.executable, "-c", ringing, str(tmp_path / "bell")], check=True)
    assert bell.tone() != before


@pytest.mark.parametrize("secured", ["embedded", "mariadb"], indirect=True, scope="session")
async def test_a_revocation_is_known_from_its_commit_on(secured: Facade, tmp_path: Path) -> None:
    store = server_of(secured).store
    counting = Counting(secured.service.engine.database)
    known = Revocations(counting, Bell(secured.settings.data_path / "auth.bell"))  # type: ignore[arg-type]
    await known.current()
    asked = counting.asked
    for _ in range(50):
        await known.current()
    assert counting.asked == asked, "nobody rang"
    for number in range(5):
        with store.transaction() as session:
            revoke(session, [f"bell-{number}"], now() + 60)
        assert f"bell-{number}" in await known.current()
    asked = counting.asked
    await known.current()
    assert counting.asked == asked


@pytest.mark.parametrize("secured", ["embedded"], indirect=True, scope="session")
async def test_what_another_host_revoked_is_known_within_a_second(secured: Facade, tmp_path: Path) -> None:
    store = server_of(secured).store
    elsewhere = Bell(tmp_path / "a bell that nobody rings")
    known = Revocations(secured.service.engine.database, elsewhere)
    await known.current()
    with store.transaction() as session:
        revoke(session, ["elsewhere"], now() + 60)
    await asyncio.sleep(SILENCE)
    assert "elsewhere" in await known.current()
