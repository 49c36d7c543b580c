"""Load from wrk, a process of its own: many connections kept alive, other values in every request."""

from __future__ import annotations

import json
import resource
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.same import fetched
from tests.bench.servers import Served
from tests.services.packages import release, unpacked

SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Measured:
    """One run: requests a second, milliseconds, errors, CPU milliseconds a request, memory in KiB.

    `generator` is the share of one CPU that wrk itself took: near 1 it would be what is measured.
    """

    server: str
    rate: float
    p50: float
    p99: float
    errors: int
    cpu: float
    rss_before: int
    rss_after: int
    generator: float


def measured(served: Served, paths: Sequence[str], connections: int, seconds: float) -> Measured:
    """Asks a server for the paths in turn for some seconds, after a warm-up that every path takes part in."""
    authorization = f"Bearer {served.token}" if served.token else ""
    urls = [served.url(path) for path in paths]
    return load(served, urls, connections, seconds, authorization)


def load(
    served: Served, urls: Sequence[str], connections: int, seconds: float, authorization: str
) -> Measured:
    """The same for whole addresses and any Authorization header."""
    with TemporaryDirectory() as folder:
        targets = Path(folder) / "targets"
        targets.write_text("".join(f"{_path(u)}\t{len(fetched(u, authorization))}\n" for u in urls))
        _wrk(served, targets, connections, min(1, seconds), authorization)
        rss, cpu = served.rss, served.cpu
        told, generator = _wrk(served, targets, connections, seconds, authorization)
        used = (served.cpu - cpu) * 1000 / max(1, told["requests"])
    rate = told["requests"] / told["seconds"]
    return Measured(
        served.name, rate, told["p50"], told["p99"], int(told["errors"]), used, rss, served.rss, generator
    )


def _wrk(
    served: Served, targets: Path, connections: int, seconds: float, authorization: str
) -> tuple[dict[str, float], float]:
    root = unpacked("wrk", release()["VERSION_CODENAME"], "wrk")
    command = [
        *root.command("usr/bin/wrk"),
        "-t",
        "1",
        "-c",
        str(connections),
        "-d",
        f"{max(1, round(seconds))}s",
    ]
    command += ["--timeout", "60s", "-s", str(SCRIPT), f"http://127.0.0.1:{served.port}", "--", str(targets)]
    command += [authorization] if authorization else []
    before = _children()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return told, (_children() - before) / told["seconds"]


def _children() -> float:
    """CPU seconds of the programs that were run to their end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]
