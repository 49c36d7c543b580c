"""`make bench ARGS="--full --write"`: measures and prints; see docs/performance.md."""

from __future__ import annotations

import argparse
import sys

from tests.bench.export import export_section, pairs
from tests.bench.families import FAMILIES
from tests.bench.imaging import beside_orthanc, imaging_section
from tests.bench.measure import Plan, beside, guarded, nothing, results
from tests.bench.report import guarded_section, section, write
from tests.bench.servers import PEER_PYTHON

SIZES = (10_000, 100_000, 1_000_000)


def main() -> int:
    """Measures what the arguments ask for."""
    chosen = _arguments()
    plan = Plan(
        rows=chosen.rows or (SIZES if chosen.full else SIZES[:1]),
        connections=chosen.connections,
        seconds=chosen.seconds,
        rounds=chosen.rounds,
        families=chosen.family,
        legacy=not chosen.doctor_only,
        peer=not chosen.without_peer and PEER_PYTHON.exists(),
    )
    if chosen.guarded:
        return _guarded(plan, write_it=chosen.write)
    if chosen.imaging:
        return _imaging(plan, write_it=chosen.write)
    if chosen.export:
        return _export(plan, write_it=chosen.write)
    measured = []
    for result in results(plan):
        measured.append(result)
        print(
            f"{result.rows:>9,} {'doctor' if result.indexed else 'legacy'} {result.family:18} "
            f"{result.connections:>3} {result.ours.rate:7.0f}/s {result.ratio:.2f} of the floor",
            flush=True,
        )
    text = section(measured, nothing(plan), beside(plan) if plan.peer else {})
    print(text)
    if chosen.write:
        write(text)
    return 0


def _guarded(plan: Plan, *, write_it: bool) -> int:
    measured = list(guarded(plan))
    text = guarded_section(measured)
    print(text)
    if write_it:
        write(text)
    return 0


def _imaging(plan: Plan, *, write_it: bool) -> int:
    readers = plan.connections[0]
    text = imaging_section(list(beside_orthanc(readers, plan.seconds, plan.rounds)), readers)
    print(text)
    if write_it:
        write(text)
    return 0


def _export(plan: Plan, *, write_it: bool) -> int:
    measured = list(pairs(plan.rows, plan.rounds))
    text = export_section(measured)
    print(text)
    if write_it:
        write(text)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rows", type=int, action="append", help="size; may be repeated (default 10000)")
    parser.add_argument("--full", action="store_true", help="10,000, 100,000 and 1,000,000 rows")
    parser.add_argument("--seconds", type=float, default=3, help="of each run (default 3)")
    parser.add_argument("--rounds", type=int, default=3, help="how often the servers take turns (default 3)")
    parser.add_argument("--connections", type=int, nargs="+", default=[8, 64], help="default 8 64")
    parser.add_argument(
        "--family", action="append", choices=[f.name for f in FAMILIES], help="only these; may be repeated"
    )
    parser.add_argument("--doctor-only", action="store_true", help="not with the legacy indexes alone")
    parser.add_argument("--without-peer", action="store_true", help="not beside fhirstarter")
    parser.add_argument("--guarded", action="store_true", help="what access control and audit cost")
    parser.add_argument("--export", action="store_true", help="bulk exports beside their floor")
    parser.add_argument("--imaging", action="store_true", help="frames and metadata beside Orthanc's own")
    parser.add_argument("--write", action="store_true", help="add the figures to docs/performance.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
