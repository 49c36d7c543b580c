"""A process that makes exports in small steps: `python -m tests.export.worker PAGE LEASE`."""

from __future__ import annotations

import asyncio
import sys

from fhir_facade.app import create_app
from fhir_facade.export.work import KIND, Exporting
from fhir_facade.jobs.runner import Runner


async def work(page: int, lease: int) -> None:
    """Makes exports until there are none, a checkpoint for each page."""
    app = create_app()
    assert app.exports is not None
    exporting = app.exports.runner.works[KIND]
    assert isinstance(exporting, Exporting)
    exporting.page, exporting.every = page, 0.0
    runner = Runner(app.exports.jobs, {KIND: exporting}, lease)
    while await runner.run_one():
        pass


if __name__ == "__main__":
    asyncio.run(work(int(sys.argv[1]), int(sys.argv[2])))
