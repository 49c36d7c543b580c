"""The walk of walk.mjs: SMART's own JavaScript client, under node."""

import asyncio
import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.clients.summary import Summary, Unresolved

_HERE = Path(__file__).parent
MODULES = _HERE / "node_modules"


async def walk(base_url: str, name: str | None = None, token: str | None = None) -> Summary:
    """The walk's summary; a name picks the patient, without one it is the demonstration patient.

    Raises RuntimeError with node's own words if the program itself fails.
    """
    await asyncio.to_thread(install)
    environment = {**os.environ, "FHIR_TOKEN": token or ""}
    process = await asyncio.create_subprocess_exec(
        "node",
        _HERE / "walk.mjs",
        *filter(None, (base_url, name)),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    printed, complaints = await process.communicate()
    if not printed:
        raise RuntimeError(f"walk.mjs ended with {process.returncode}: {complaints.decode()}")
    return _summary(json.loads(printed))


def install() -> None:
    """Sees to the packages of the lock file; one test run at a time."""
    lock_file = _HERE / "package-lock.json"
    with (_HERE / "package.json").open() as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        stamp = MODULES / ".installed"
        if not stamp.exists() or stamp.read_bytes() != lock_file.read_bytes():
            subprocess.run(["npm", "ci", "--silent", "--prefer-offline"], cwd=_HERE, check=True)
            stamp.write_bytes(lock_file.read_bytes())


def _summary(printed: dict[str, Any]) -> Summary:
    missing = [Unresolved(one["reference"], one["from"], one["why"]) for one in printed.pop("unresolved")]
    return Summary(unresolved=missing, **printed)
