"""`fhir-facade archive quarantine`: images that wait until somebody knows whose they are."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from dicomweb.archives.archive import ArchiveDownError
from fhir_facade.settings import SettingFault, Settings
from mappers.database import SourceDownError

if TYPE_CHECKING:
    from dicomweb.quarantine import Quarantine


def add_to(commands: Any) -> None:
    """Adds `quarantine` to the commands of `archive`."""
    parser = commands.add_parser("quarantine", help="images that wait until somebody knows whose they are")
    inner = parser.add_subparsers(required=True, metavar="what")
    listing = inner.add_parser("list", help="what waits, by study, and why")
    listing.set_defaults(run=_run(_list))
    releasing = inner.add_parser(
        "release", help="show what the RIS says by now whose it is; 1 if any still waits"
    )
    releasing.add_argument("study", help="the StudyInstanceUID")
    releasing.add_argument(
        "--to", default="", metavar="STUDY_ID", help="a RIS study without images: it is this one"
    )
    releasing.set_defaults(run=_run(_release))
    dropping = inner.add_parser("drop", help="delete what waits of a study, files and all")
    dropping.add_argument("study", help="the StudyInstanceUID")
    dropping.set_defaults(run=_run(_drop))


def _run(
    work: Callable[[Quarantine, argparse.Namespace], Awaitable[int]],
) -> Callable[[Settings, argparse.Namespace], int]:
    async def carried_out(settings: Settings, chosen: argparse.Namespace) -> int:
        async with _opened(settings) as quarantine:
            return await work(quarantine, chosen)

    def run(settings: Settings, chosen: argparse.Namespace) -> int:
        try:
            return asyncio.run(carried_out(settings, chosen))
        except ArchiveDownError as error:
            raise SettingFault(f"the imaging archive is down: {error}; run it again later") from None
        except SourceDownError as error:
            raise SettingFault(f"DB_HOST: the database can't be asked ({error})") from None

    return run


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Quarantine]:
    from dicomweb.quarantine import Quarantine
    from fhir_facade.app import service_of
    from fhir_facade.imaging.archives import archive_of
    from fhir_facade.imaging.following import follower_of

    service = service_of(settings)
    archive, database = archive_of(settings, service.at_rest), service.engine.database
    try:
        yield Quarantine(archive, database, follower_of(service, archive).intake)
    finally:
        await archive.close()
        await database.close()


async def _list(quarantine: Quarantine, chosen: argparse.Namespace) -> int:
    studies: dict[tuple[str, str, str, str], list[str]] = {}
    for one in await quarantine.waiting():
        key = (one.study, one.reason, one.patient_id, one.accession_number)
        studies.setdefault(key, []).append(one.recorded)
    for (study, reason, patient, accession), since in studies.items():
        said = f"PatientID {patient or '(none)'}, accession number {accession or '(none)'}"
        print(f"{study}  {reason}  {len(since)} since {since[0][:16]}  {said}")
    if not studies:
        print("nothing waits")
    return 0


async def _release(quarantine: Quarantine, chosen: argparse.Namespace) -> int:
    from dicomweb.quarantine import NoSuchRowError
    from dicomweb.ris.whose import REASONS

    try:
        reasons = await quarantine.release(chosen.study, chosen.to)
    except NoSuchRowError as error:
        raise SettingFault(str(error)) from None
    left = [reason for reason in reasons if reason]
    print(f"{len(reasons) - len(left)} released, {len(left)} still waiting")
    for reason in dict.fromkeys(left):
        print(f"{reason}: {REASONS.get(reason, 'its UIDs are those of other images')}")
    return 1 if left or not reasons else 0


async def _drop(quarantine: Quarantine, chosen: argparse.Namespace) -> int:
    count = await quarantine.drop(chosen.study)
    print(f"{count} deleted")
    return 0 if count else 1
