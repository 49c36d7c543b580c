"""The figures as a dated section of Markdown, and against the targets."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench.families import SEARCHES
from tests.bench.load import Measured
from tests.bench.measure import Result
from tests.bench.servers import ROOT

PAGE = ROOT / "docs/performance.md"
VERSIONS = ("uvicorn", "uvloop", "httptools", "asyncmy", "orjson", "sqlalchemy", "fastapi")
COLUMNS = (
    "rows|indexes|family|connections|ours/s|floor/s|ratio|p50 ms|p99 ms|floor p50|CPU ms|floor CPU"
    "|MiB before|after|errors"
)


def section(
    results: Sequence[Result],
    nothing: Mapping[int, Measured],
    peer: Mapping[str, tuple[Measured, Measured]],
) -> str:
    """The whole section."""
    lines = [f"## {datetime.now(UTC):%Y-%m-%d}: `make bench`", "", *machine(), ""]
    lines += ["|".join(("", *COLUMNS.split("|"), "")), "|" + "---|" * len(COLUMNS.split("|"))]
    lines += [_row(r) for r in results]
    lines += ["", *_nothing(results, nothing), *_peer(peer), "", *targets(results, peer), ""]
    return "\n".join(lines)


def guarded_section(results: Sequence[Result]) -> str:
    """What access control and the durable audit trail leave of the throughput without them."""
    lines = [f"## {datetime.now(UTC):%Y-%m-%d}: `make bench ARGS=--guarded`", "", *machine(), ""]
    lines += [
        "|rows|asked|connections|with, a second|without|ratio|p50 ms|without|CPU ms|without|errors|",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_guarded_row(r) for r in results]
    lines += ["", "|target|wanted|measured|met|", "|---|---|---|---|"]
    reads = [r.ratio for r in results if r.family == "read"]
    searches = [r.ratio for r in results if r.family != "read"]
    lines += _target("reads with access control and audit, lowest", "≥ 0.70", 0.70, reads, least=True)
    lines += _target("searches with access control and audit, lowest", "≥ 0.80", 0.80, searches, least=True)
    return "\n".join([*lines, ""])


def _guarded_row(r: Result) -> str:
    rates = (f"{r.ours.rate:.0f}", f"{r.floor.rate:.0f}", f"{r.ratio:.2f}")
    times = (f"{r.ours.p50:.1f}", f"{r.floor.p50:.1f}", f"{r.ours.cpu:.2f}", f"{r.floor.cpu:.2f}")
    errors = r.ours.errors + r.floor.errors
    return "|".join(("", f"{r.rows:,}", r.family, str(r.connections), *rates, *times, str(errors), ""))


def machine() -> list[str]:
    """What it was measured on."""
    revision = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    memory = int(Path("/proc/meminfo").read_text().split()[1]) >> 20
    used = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    return [
        f"Revision {revision}; {len(models)} × {models[0] if models else platform.machine()}, {memory} GiB, "
        f"shared by client, server and database; Python {platform.python_version()}, {used}.",
    ]


def _row(r: Result) -> str:
    cells = [
        f"{r.rows:,}",
        "doctor's" if r.indexed else "legacy",
        r.family,
        str(r.connections),
        f"{r.ours.rate:.0f}",
        f"{r.floor.rate:.0f}",
        f"{r.ratio:.2f}",
        f"{r.ours.p50:.1f}",
        f"{r.ours.p99:.1f}",
        f"{r.floor.p50:.1f}",
        f"{r.ours.cpu:.2f}",
        f"{r.floor.cpu:.2f}",
        str(r.ours.rss_before >> 10),
        str(r.ours.rss_after >> 10),
        str(r.ours.errors + r.floor.errors),
    ]
    return "|".join(("", *cells, ""))


def _nothing(results: Sequence[Result], nothing: Mapping[int, Measured]) -> Iterator[str]:
    """How far the floor is from a server that does nothing."""
    for connections, measured in nothing.items():
        reads = [r.floor.rate for r in results if r.family == "read" and r.connections == connections]
        part = f"; the floor's read is {max(reads) / measured.rate:.2f} of that" if reads else ""
        yield (
            f"No-op at {connections} connections: {measured.rate:.0f}/s{part}. "
            f"wrk took {measured.generator:.2f} of a CPU.\n"
        )


def _peer(peer: Mapping[str, tuple[Measured, Measured]]) -> Iterator[str]:
    for family, (ours, theirs) in peer.items():
        yield (
            f"fhirstarter at 10,000 rows, {family}: {theirs.rate:.1f}/s against {ours.rate:.0f}/s "
            f"(× {ours.rate / theirs.rate:.1f}), {theirs.cpu:.1f} against {ours.cpu:.2f} ms of CPU, "
            f"errors {theirs.errors + ours.errors}.\n"
        )


def targets(results: Sequence[Result], peer: Mapping[str, tuple[Measured, Measured]]) -> Iterator[str]:
    """Each target: what was wanted, what was measured, whether it is met."""
    yield "|target|wanted|measured|met|"
    yield "|---|---|---|---|"
    indexed = [r for r in results if r.indexed]
    reads = [r.ratio for r in indexed if r.family == "read"]
    searches = [r.ratio for r in indexed if r.family in SEARCHES]
    yield from _target("read against the floor, lowest", "≥ 0.55", 0.55, reads, least=True)
    yield from _target("searches of 50 against the floor, lowest", "≥ 0.65", 0.65, searches, least=True)
    times = [ours.rate / theirs.rate for family, (ours, theirs) in peer.items() if family == "patient"]
    yield from _target("searches of 50 against fhirstarter", "≥ 10 ×", 10, times, least=True)
    yield from _target("p50 at the largest against the smallest", "≤ 1.5 ×", 1.5, list(_growth(indexed)))
    yield from _target("page 500 against page 1", "≤ 1.3 ×", 1.3, list(_pages(indexed)))
    growth = [r.ours.rss_after / r.ours.rss_before for r in results]
    yield from _target("memory after against before, largest", "≤ 1.1 ×", 1.1, growth)


def _target(
    name: str, wanted: str, bound: float, found: Sequence[float], least: bool = False
) -> Iterator[str]:
    if found:
        worst = min(found) if least else max(found)
        met = worst >= bound if least else worst <= bound
        yield f"|{name}|{wanted}|{worst:.2f}|{'yes' if met else 'no'}|"


def _growth(results: Sequence[Result]) -> Iterator[float]:
    """p50 at the largest size as a multiple of that at the smallest, for each family."""
    sizes = sorted({r.rows for r in results})
    at = {(r.rows, r.family, r.connections): r.ours.p50 for r in results}
    for (rows, family, connections), p50 in at.items():
        if len(sizes) > 1 and rows == sizes[-1] and (sizes[0], family, connections) in at:
            yield p50 / at[sizes[0], family, connections]


def _pages(results: Sequence[Result]) -> Iterator[float]:
    first = {(r.rows, r.connections): r.ours.p50 for r in results if r.family == "page 1"}
    far = {(r.rows, r.connections): r.ours.p50 for r in results if r.family == "page 500"}
    yield from (p50 / first[key] for key, p50 in far.items() if key in first)


def write(text: str) -> None:
    """Appends a section to the page."""
    with PAGE.open("a", encoding="utf-8") as page:
        page.write("\n" + text)
