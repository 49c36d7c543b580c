"""Transactions whose task is cancelled: nothing of them stays, their lock neither."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest

from mappers.database import Sqlite
from mappers.demo import create_embedded
from mappers.demo.embedded import CDSS_FILE, OPENEMR_FILE
from mappers.transaction import transaction


@pytest.mark.parametrize("waited", [0, 0.0001, 0.0002, 0.0004, 0.001, 0.003])
async def test_a_task_cancelled_at_any_moment_leaves_no_lock(
    tmp_path: Path, waited: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_embedded(tmp_path)
    database = Sqlite(tmp_path / CDSS_FILE, tmp_path / OPENEMR_FILE)
    monkeypatch.setattr("mappers.transaction.LOCK_SECONDS", 0.2)

    async def within() -> None:
        async with transaction(database) as t:
            await t.fetch("SELECT 1", ())
            await asyncio.sleep(1)

    gc.disable()  # it would close what nobody holds any more, sooner or later
    try:
        task = asyncio.create_task(within())
        await asyncio.sleep(waited)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with transaction(database) as t:
            assert await t.fetch("SELECT 1", ()) == [(1,)]
    finally:
        gc.enable()
        await database.close()
