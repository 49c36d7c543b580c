"""`fhir-facade archive`: the index of the imaging archive made anew from its files, or compared with them."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from dicomweb.archives.archive import ArchiveDownError
from fhir_facade.quarantine_commands import add_to as quarantine_commands
from fhir_facade.settings import SettingFault, Settings
from mappers.database import SourceDownError

#: places of a kind that are named
NAMED = 20
BAR = 30


def add_to(commands: Any) -> None:
    """Adds `archive` to the commands."""
    parser = commands.add_parser("archive", help="the imaging archive and its index")
    inner = parser.add_subparsers(required=True, metavar="what")
    rebuilding = inner.add_parser(
        "rebuild", help="make the index anew from the files, online; interrupted, it goes on where it was"
    )
    rebuilding.set_defaults(run=rebuild)
    checking = inner.add_parser("check", help="compare the files with the index; 1 if they don't agree")
    checking.add_argument("--read", action="store_true", help="read every file, and compare its digest")
    checking.set_defaults(run=check)
    quarantine_commands(inner)


def rebuild(settings: Settings, chosen: argparse.Namespace) -> int:
    """Indexes every file and takes out what has none; 1 where files can't be read."""
    return _carried_out(_rebuild(settings))


def check(settings: Settings, chosen: argparse.Namespace) -> int:
    """Tells what only one side knows; 1 if there is anything."""
    return _carried_out(_check(settings, read=chosen.read))


def _carried_out(work: Coroutine[Any, Any, int]) -> int:
    try:
        return asyncio.run(work)
    except ArchiveDownError as error:
        raise SettingFault(f"the imaging archive is down: {error}; run it again later") from None
    except SourceDownError as error:
        raise SettingFault(f"DB_HOST: the database can't be asked ({error})") from None
    except KeyboardInterrupt:
        print("\ninterrupted; run it again to go on", file=sys.stderr)
        return 130


async def _rebuild(settings: Settings) -> int:
    from dicomweb.following.rebuild import Progress, Rebuild
    from fhir_facade.app import service_of
    from fhir_facade.imaging.archives import archive_of
    from fhir_facade.imaging.following import follower_of

    service = service_of(settings)
    archive, database = archive_of(settings, service.at_rest), service.engine.database
    bar, progress = Bar(), Progress()
    try:
        async for progress in Rebuild(archive, database, follower_of(service, archive).intake).run():
            bar.show(progress.done, progress.there)
    finally:
        bar.end()
        await archive.close()
        await database.close()
    print(
        f"{progress.there:,} files: {progress.indexed:,} indexed, {progress.waiting:,} in quarantine, "
        f"{progress.unreadable:,} can't be read; {progress.gone:,} instances without a file taken out"
    )
    if progress.before:
        print(f"{progress.before:,} files had been done before it was interrupted")
    return 1 if progress.unreadable else 0


async def _check(settings: Settings, *, read: bool) -> int:
    from dicomweb.following.checking import Compared, check
    from fhir_facade.app import service_of
    from fhir_facade.imaging.archives import archive_of

    service = service_of(settings)
    archive, database = archive_of(settings, service.at_rest), service.engine.database
    bar, found = Bar(), Compared()
    try:
        async for found in check(archive, database, read=read):
            bar.show(found.looked, found.there) if read else None
    finally:
        bar.end()
        await archive.close()
        await database.close()
    _tell("files that are not indexed", found.not_indexed)
    _tell("indexed instances without a file", found.without_file)
    _tell("files that were changed or can't be read", found.changed)
    print(f"{found.there:,} files, {found.looked:,} read: {'all agrees' if found.agrees else 'see above'}")
    return 0 if found.agrees else 1


def _tell(what: str, places: list[str]) -> None:
    if places:
        more = ", …" if len(places) > NAMED else ""
        print(f"{what}: {len(places):,} ({', '.join(places[:NAMED])}{more})")


@dataclass
class Bar:
    """How far it is, on standard error: one line that changes on a terminal, else a line now and then."""

    _begun: float = field(default_factory=time.monotonic)
    _told: float = 0.0
    _first: int | None = None

    def show(self, done: int, there: int) -> None:
        """Tells it, if it was told some time ago."""
        now, terminal = time.monotonic(), sys.stderr.isatty()
        self._first = done if self._first is None else self._first
        if done < there and now - self._told < (0.2 if terminal else 5):
            return
        self._told = now
        share = done / there if there else 1.0
        filled = "#" * round(share * BAR)
        line = f"[{filled:<{BAR}}] {share:4.0%}  {done:,} of {there:,}{self._left(done, there, now)}"
        print(
            f"\r{line}\x1b[K" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True
        )

    def _left(self, done: int, there: int, now: float) -> str:
        fresh = done - (self._first or 0)
        if not fresh or done >= there:
            return ""
        seconds = int((now - self._begun) / fresh * (there - done))
        return f"  {seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02} left"

    def end(self) -> None:
        """Leaves the line."""
        if self._told and sys.stderr.isatty():
            print(file=sys.stderr)
