"""`fhir-facade reindex`: what clients have written is found by all search parameters of this version."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from fhir_facade.progress import each_second
from fhir_facade.settings import SettingFault, Settings
from mappers.database import SourceDownError
from mappers.stored.search_values import SearchValues
from mappers.transaction import RetryError


def add_to(commands: Any) -> None:
    """Adds `reindex` to the commands."""
    parser = commands.add_parser(
        "reindex", help="index what clients have written for newer search parameters, online; resumable"
    )
    parser.add_argument(
        "--type", nargs="+", action="extend", metavar="TYPE", help="of these types only (default: all)"
    )
    parser.add_argument("--all", action="store_true", help="anew, also what lacks nothing")
    parser.add_argument("--batch", type=int, default=20, help="resources a transaction (default 20)")
    parser.set_defaults(run=reindex)


def reindex(settings: Settings, chosen: argparse.Namespace) -> int:
    """Indexes what lacks search values; 1 where a resource can't be read, 2 where the work can't go on."""
    try:
        return asyncio.run(_carried_out(settings, chosen))
    except (SourceDownError, RetryError) as error:
        told = f"the database can't be asked ({error}): run it again, and it goes on from here"
        raise SettingFault(f"DB_HOST: {told}") from None


async def _carried_out(settings: Settings, chosen: argparse.Namespace) -> int:
    from fhir_facade.app import service_of
    from fhir_facade.drift import NOT_MIGRATED
    from mappers.write.reindexing import Reindexing

    service = service_of(settings)
    try:
        if NOT_MIGRATED in service.degraded:
            raise SettingFault(NOT_MIGRATED)
        if unknown := set(chosen.type or ()) - service.mappings.keys():
            raise SettingFault(f"--type: {', '.join(sorted(unknown))} isn't served")
        values = SearchValues(service.mappings, service.site, (service.base,))
        work = Reindexing(service.engine, values, chosen.type, max(chosen.batch, 1))
        if chosen.all:
            await work.mark()
        return await _run(work, anew=chosen.all)
    finally:
        await service.engine.database.close()


async def _run(work: Any, *, anew: bool) -> int:
    told = each_second("reindex", left := await work.left())
    progress = await work.run(lambda now: told(now.done))
    for name, reason in progress.broken.items():
        print(f"{name}: {reason}", file=sys.stderr)
    print(f"{progress.done:,} resources indexed, {await work.left():,} left")
    if not left and not anew:
        print("what is stored lacks no search values: --all makes them anew all the same")
    return 1 if progress.broken else 0
