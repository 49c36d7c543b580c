"""`make bench ARGS=--export`: how fast an export is beside its floor, and what memory it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import Request, urlopen

from sqlalchemy import text

from tests.bench import database, servers
from tests.bench.report import machine
from tests.bench.same import DifferentAnswers
from tests.bench.servers import Served
from tests.services.database import DatabaseServer, private_folder

Manifest = dict[str, Any]
WHAT = "$export?_type=Observation"


@dataclass(frozen=True)
class Exported:
    """One export: resources, seconds, CPU seconds, and memory (KiB) at its end."""

    resources: int
    seconds: float
    cpu: float
    rss: int

    @property
    def rate(self) -> float:
        """Resources a second."""
        return self.resources / self.seconds


@dataclass(frozen=True)
class Pair:
    """An export and its floor at one size."""

    rows: int
    ours: Exported
    floor: Exported

    @property
    def ratio(self) -> float:
        """Our throughput as a part of the floor's."""
        return self.ours.rate / self.floor.rate

    @property
    def work(self) -> float:
        """The floor's CPU time a resource as a part of ours."""
        return (self.floor.cpu / self.floor.resources) / (self.ours.cpu / self.ours.resources)


def pairs(sizes: Sequence[int], rounds: int) -> Iterator[Pair]:
    """Each size in turn, the floor and ours taking turns."""
    for rows in sizes:
        with database.loaded_mariadb(rows) as server, servers.ours(server) as served:
            runs = []
            for number in range(rounds):
                with private_folder("floor") as folder:
                    floor = by_hand(server, folder / "floor.ndjson")
                    with exported(server, served) as (ours, manifest):
                        if number == 0:
                            assert_same_lines(served, manifest, folder / "floor.ndjson")
                runs.append((ours, floor))
            yield Pair(rows, *(_middle([run[i] for run in runs]) for i in (0, 1)))


def by_hand(server: DatabaseServer, path: Path) -> Exported:
    """The floor, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.export_floor", str(path)]
    told = subprocess.run(
        command, env={**os.environ, **server.environment()}, capture_output=True, text=True, check=True
    )
    count, seconds, cpu, rss = told.stdout.split()
    return Exported(int(count), float(seconds), float(cpu), int(rss))


@contextmanager
def exported(server: DatabaseServer, served: Served) -> Iterator[tuple[Exported, Manifest]]:
    """An export from its kick-off to its end, which a client that asks once a second learns of later."""
    cpu, started = served.cpu, time.perf_counter()
    headers = {"Prefer": "respond-async"}
    with urlopen(Request(served.url(WHAT), headers=headers)) as response:  # noqa: S310 - our own server
        address = response.headers["content-location"]
    _await_end(server, address.rpartition("/")[2])
    seconds, cpu = time.perf_counter() - started, served.cpu - cpu
    manifest = _manifest(address)
    count = sum(entry["count"] for entry in manifest["output"])
    try:
        yield Exported(count, seconds, cpu, served.rss), manifest
    finally:
        with urlopen(Request(address, method="DELETE")):  # noqa: S310
            pass


def _await_end(server: DatabaseServer, job_id: str) -> None:
    """Returns when the job's own row says that it has ended."""
    ended = text("SELECT ended FROM fhir_job WHERE id = :id")
    with server.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.scalar(ended, {"id": job_id}):
            time.sleep(0.02)


def _manifest(address: str) -> Manifest:
    with urlopen(address) as response:  # noqa: S310 - our own server
        found: Manifest = json.load(response)
        return found


def assert_same_lines(served: Served, manifest: Manifest, floor: Path) -> None:
    """Raises DifferentAnswers unless the export's file begins with the floor's, byte by byte.

    Behind the laboratory's results come the few that other tables hold.
    """
    url = manifest["output"][0]["url"]
    with urlopen(url) as response, floor.open("rb") as wanted:  # noqa: S310 - our own server
        for number, (one, other) in enumerate(zip(response, wanted, strict=False)):
            if one != other:
                raise DifferentAnswers(f"line {number}\nours:  {one!r}\nfloor: {other!r}")


def _middle(runs: Sequence[Exported]) -> Exported:
    return Exported(
        runs[0].resources,
        median(r.seconds for r in runs),
        median(r.cpu for r in runs),
        max(r.rss for r in runs),
    )


def export_section(measured: Sequence[Pair]) -> str:
    """The figures as a dated section of Markdown."""
    lines = [f"## {datetime.now(UTC):%Y-%m-%d}: `make bench ARGS=--export`", "", *machine(), ""]
    lines += [
        "|resources|ours/s|floor/s|ratio|CPU µs each|floor CPU|ratio of CPU|MiB at the end|",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_row(pair) for pair in measured]
    lowest, grown = min(p.ratio for p in measured), measured[-1].ours.rss / measured[0].ours.rss
    work = min(p.work for p in measured)
    lines += ["", "|target|wanted|measured|met|", "|---|---|---|---|"]
    rates = {"export beside its floor, lowest": lowest, "the same for a second of CPU, lowest": work}
    lines += [f"|{n}|≥ 0.50|{rate:.2f}|{'yes' if rate >= 0.5 else 'no'}|" for n, rate in rates.items()]
    lines += [f"|memory, largest beside smallest|≤ 1.10|{grown:.2f}|{'yes' if grown <= 1.1 else 'no'}|"]
    return "\n".join([*lines, ""])


def _row(pair: Pair) -> str:
    each = [1e6 * e.cpu / e.resources for e in (pair.ours, pair.floor)]
    cells = (
        f"{pair.ours.resources:,}",
        f"{pair.ours.rate:.0f}",
        f"{pair.floor.rate:.0f}",
        f"{pair.ratio:.2f}",
        f"{each[0]:.1f}",
        f"{each[1]:.1f}",
        f"{pair.work:.2f}",
        str(pair.ours.rss >> 10),
    )
    return "|".join(("", *cells, ""))
