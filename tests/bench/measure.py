"""One size after the other: ours against the floor, in turns, with the legacy indexes and with doctor's."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import product
from statistics import median

from tests.bench import database, servers
from tests.bench.families import FAMILIES, GUARDED, Family
from tests.bench.load import Measured, measured
from tests.bench.same import assert_same, fetched
from tests.bench.servers import Served

#: how many pages are measured beside each other, at the start and far behind
PAGES = 10
FAR = 500


@dataclass(frozen=True)
class Plan:
    """What to measure, and for how long. `rounds`: how often the servers take turns."""

    rows: Sequence[int]
    connections: Sequence[int]
    seconds: float
    rounds: int = 3
    families: Sequence[str] = ()
    legacy: bool = True
    peer: bool = True

    @property
    def chosen(self) -> list[Family]:
        """The families to measure, all unless some were named."""
        return [f for f in FAMILIES if not self.families or f.name in self.families]


@dataclass(frozen=True)
class Result:
    """One family at one size."""

    rows: int
    indexed: bool
    family: str
    connections: int
    ours: Measured
    floor: Measured

    @property
    def ratio(self) -> float:
        """Our throughput as a part of the floor's; infinite where that finished nothing in its time."""
        return self.ours.rate / self.floor.rate if self.floor.rate else math.inf


def results(plan: Plan) -> Iterator[Result]:
    """Every family at every size, as soon as it is measured."""
    for rows in plan.rows:
        with database.loaded_mariadb(rows) as server:
            database.without_indexes(server)
            for indexed in (False, True) if plan.legacy else (True,):
                with (
                    database.with_indexes(server) if indexed else nullcontext(),
                    servers.ours(server) as ours,
                    servers.floor(server, indexed=indexed) as floor,
                ):
                    yield from _families(plan, rows, indexed, ours, floor)


def _families(plan: Plan, rows: int, indexed: bool, ours: Served, floor: Served) -> Iterator[Result]:
    for family in plan.chosen:
        asked = {s.name: _paths(s, family, rows) for s in (ours, floor)}
        if not family.paged:
            assert_same(ours, floor, asked["ours"])
        for connections in plan.connections:
            runs = {s.name: list[Measured]() for s in (ours, floor)}
            for _ in range(plan.rounds):
                for served in (ours, floor):
                    runs[served.name].append(measured(served, asked[served.name], connections, plan.seconds))
            yield Result(rows, indexed, family.name, connections, middle(runs["ours"]), middle(runs["floor"]))


def guarded(plan: Plan) -> Iterator[Result]:
    """Ours with access control and the audit trail against ours without (as the "floor"), in turns."""
    rows = plan.rows[0]
    with (
        database.loaded_mariadb(rows) as server,
        database.with_indexes(server),
        database.durable(server),
        servers.ours(server) as open_,
        servers.guarded(server) as secured,
    ):
        for family, connections in product(GUARDED, plan.connections):
            paths = family.addresses(rows)
            runs = [
                [measured(s, paths, connections, plan.seconds) for s in (secured, open_)]
                for _ in range(plan.rounds)
            ]
            with_, without = (middle([run[i] for run in runs]) for i in (0, 1))
            yield Result(rows, True, family.name, connections, with_, without)


def middle(runs: Sequence[Measured]) -> Measured:
    """The medians of several runs, the errors of all, memory from the first to the last."""
    return replace(
        runs[0],
        **{
            name: median(getattr(run, name) for run in runs)
            for name in ("rate", "p50", "p99", "cpu", "generator")
        },
        errors=sum(run.errors for run in runs),
        rss_after=runs[-1].rss_after,
    )


def _paths(served: Served, family: Family, rows: int) -> list[str]:
    """What is asked of a server; pages are found by following its own links."""
    first = family.addresses(rows)
    if not family.paged:
        return first
    far = min(FAR, rows // 50 - PAGES - 1)
    pages = [first[0]]
    while len(pages) < far + PAGES:
        pages.append(_next(served, pages[-1]))
    return pages[-PAGES:]


def _next(served: Served, path: str) -> str:
    links = json.loads(fetched(served.url(path)))["link"]
    url: str = next(link["url"] for link in links if link["relation"] == "next")
    return url.partition("/api/fhir/")[2]


def beside(plan: Plan) -> dict[str, tuple[Measured, Measured]]:
    """Ours and fhirstarter at 10,000 rows, by family."""
    rows, connections = 10_000, plan.connections[0]
    found = {}
    with (
        database.loaded_mariadb(rows) as server,
        database.with_indexes(server),
        servers.ours(server) as ours,
        servers.peer(server) as peer,
    ):
        for family in (f for f in FAMILIES if f.name in ("read", "patient", "patient+code")):
            paths = family.addresses(rows)
            runs = [
                [measured(s, paths, connections, plan.seconds) for s in (ours, peer)]
                for _ in range(plan.rounds)
            ]
            found[family.name] = (middle([r[0] for r in runs]), middle([r[1] for r in runs]))
    return found


def nothing(plan: Plan) -> dict[int, Measured]:
    """The no-op server, by connections: what HTTP and the load itself allow."""
    with servers.noop() as served:
        return {c: measured(served, ["x"], c, plan.seconds) for c in plan.connections}
