"""`make stress ARGS="--seconds 600 --write"`: the scenarios of tests/stress at full length."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.database import started_mariadb, stopped_mariadb
from tests.bench.imaging import frames_for
from tests.bench.report import machine, write
from tests.bench.servers import ours
from tests.roundtrip.walking import walked
from tests.stress import kept, scenarios
from tests.stress.conftest import Stressed
from tests.stress.mortal import mariadb_hospital
from tests.stress.writing import written_under_kills

#: who reads frames at once
FRAME_READERS = 100

Line = tuple[str, str, bool]


async def lines(stressed: Stressed, chosen: argparse.Namespace) -> AsyncIterator[Line]:
    """(what was done, its figures, whether what must hold held) of each scenario."""
    s = stressed
    gone = await scenarios.disconnecting(s.served, s.database, s.rows, chosen.readers, chosen.seconds)
    yield (
        f"{chosen.readers} readers for {chosen.seconds:.0f} s, every third request abandoned",
        f"answers {dict(gone.statuses)}, abandoned {gone.left}, connections left {gone.connections}",
        set(gone.statuses) == {200} and gone.connections <= scenarios.POOL,
    )
    again = await scenarios.restarting(s.served, s.database, s.folder, s.running, s.rows, chosen.restarts)
    yield (
        f"the database restarted {chosen.restarts} times under 8 readers",
        f"answers {dict(again.statuses)}, wrong {len(again.wrong)}",
        not again.wrong and again.statuses[503] > 0,
    )
    seen, issues, strict = await scenarios.losing_a_source(s.served, s.database)
    yield (
        "OpenEMR lost between the first page and the second",
        f"{len(seen)} resources, {len(issues)} warnings, strict: {strict.status}",
        len(seen) == len(set(seen)) and scenarios.expected(s.rows) <= set(seen) and bool(issues),
    )
    warm, after = await scenarios.asking_long(s.served, s.rows, chosen.requests)
    yield (
        f"{chosen.requests:,} requests of all families",
        f"resident memory {warm >> 10} MiB after a tenth, {after >> 10} MiB at the end",
        after < warm * 1.1,
    )
    for sort in ("date", "-date", "_id"):
        found = await scenarios.walking(s.served, s.database, s.rows, sort)
        odd = [i for i in scenarios.expected(s.rows) if found[i] != 1]
        yield (
            f"a walk over {s.rows:,} rows by {sort} while others come and go",
            f"{len(odd)} not once",
            not odd,
        )


async def writing(chosen: argparse.Namespace) -> Line:
    """The same of writes while the server and its database are killed in turn."""
    with TemporaryDirectory() as folder, mariadb_hospital(Path(folder)) as hospital:
        before, odd = kept.keys(hospital.rows), kept.orphans(hospital.rows)
        ledger = await written_under_kills(hospital, chosen.writes, chosen.kills)
        wrong = await kept.faults(hospital, ledger, before, odd)
    for fault in wrong[:20]:
        print(fault, file=sys.stderr)
    told = f"answers {dict(ledger.statuses)}, cut off {ledger.cut}, acknowledged {len(ledger.kept)}"
    what = f"{chosen.writes:,} writes of 8 clients, server and database killed {ledger.kills} times in turn"
    return what, f"{told}, lost, doubled or half {len(wrong)}", not wrong


async def making(chosen: argparse.Namespace) -> Line:
    """The same of made resources of every type that clients write: sent, read, written over, read."""
    found = await asyncio.to_thread(walked, chosen.made)
    for fault in found.wrong:
        print(fault, file=sys.stderr)
    share = found.accepted / max(found.sent, 1)
    refused = found.sent - found.accepted
    told = f"{found.sent:,} sent, {found.accepted:,} accepted, refused by the tables {refused:,}"
    what = f"{chosen.made:,} made resources of each of {found.types} types, each written over by another"
    return what, f"{told}, told otherwise {len(found.wrong)}", not found.wrong and share > 0.75


async def run(chosen: argparse.Namespace) -> bool:
    """Runs everything and tells of it; whether all held."""
    told: list[Line] = []
    if not chosen.only_made:
        told.append(await writing(chosen))
        show(told[-1])
    if not chosen.only_writes:
        told.append(await making(chosen))
        show(told[-1])
    if not (chosen.only_writes or chosen.only_made):
        told += await reading(chosen)
        told.append(await images(chosen))
        show(told[-1])
    if chosen.write:
        write(section(told))
    return all(held for _, _, held in told)


async def images(chosen: argparse.Namespace) -> Line:
    """Frames of a CT, for many at once."""
    found = await asyncio.to_thread(frames_for, FRAME_READERS, chosen.seconds)
    memory = f"resident memory {found.rss_before >> 10} MiB, then {found.rss_after >> 10} MiB"
    told = f"{found.rate:.0f} frames a second, p99 {found.p99:.0f} ms, {found.errors} errors, {memory}"
    held = not found.errors and found.rss_after < found.rss_before * 1.1
    return f"{FRAME_READERS} readers of frames for {chosen.seconds:.0f} s", told, held


async def reading(chosen: argparse.Namespace) -> list[Line]:
    """What readers go through."""
    told: list[Line] = []
    with stopped_mariadb(chosen.rows) as (database, folder), ExitStack() as running:
        running.enter_context(started_mariadb(database, folder))
        with ours(database) as served:
            async for line in lines(Stressed(served, database, folder, running, chosen.rows), chosen):
                told.append(line)
                show(line)
    return told


def show(line: Line) -> None:
    """Prints a line."""
    print(f"{'held ' if line[2] else 'BROKE'} {line[0]}: {line[1]}", flush=True)


def section(told: list[Line]) -> str:
    """The figures as a dated section of Markdown."""
    rows = [f"|{what}|{figures}|{'yes' if held else 'no'}|" for what, figures, held in told]
    head = [f"## {datetime.now(UTC):%Y-%m-%d}: `make stress`", "", *machine(), ""]
    return "\n".join([*head, "|what was done|figures|held|", "|---|---|---|", *rows, ""])


def main() -> int:
    """Runs what the arguments ask for; 1 if something broke."""
    parser = argparse.ArgumentParser(prog="make stress", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000, help="size of the table (default 10000)")
    parser.add_argument("--readers", type=int, default=64, help="parallel readers (default 64)")
    parser.add_argument("--seconds", type=float, default=60, help="of reading and leaving (default 60)")
    parser.add_argument("--restarts", type=int, default=3, help="of the database (default 3)")
    parser.add_argument("--requests", type=int, default=20_000, help="for the memory (default 20000)")
    parser.add_argument("--writes", type=int, default=10_000, help="while servers are killed (default 10000)")
    parser.add_argument("--kills", type=int, default=20, help="of server and database in turn (default 20)")
    parser.add_argument("--only-writes", action="store_true", help="nothing but these")
    parser.add_argument("--made", type=int, default=200, help="resources of each type (default 200)")
    parser.add_argument("--only-made", action="store_true", help="nothing but these")
    parser.add_argument("--write", action="store_true", help="add the figures to docs/performance.md")
    return 0 if asyncio.run(run(parser.parse_args())) else 1


if __name__ == "__main__":
    sys.exit(main())
