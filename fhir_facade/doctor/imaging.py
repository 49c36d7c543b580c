"""The imaging archive: whether it answers and is followed, and which studies only one side knows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, column, func, select, table

from dicomweb.archives.archive import Archive, ArchiveDownError
from fhir_facade.doctor.finding import Finding, Level, fine
from fhir_facade.imaging.archives import FOLDER, archive_of
from fhir_facade.inspection import Catalogue
from fhir_facade.settings import Settings
from mappers.at_rest import AtRest
from mappers.facade.imaging import fhir_dicom_position, fhir_dicom_quarantine, fhir_dicom_study
from mappers.reach import CDSS_SCHEMA

AREA = "imaging"
RIS = table("ris_radiologystudy", column("study_instance_uid"))
TABLES = (fhir_dicom_study, fhir_dicom_quarantine, fhir_dicom_position)
#: studies of one kind that are named; a --json answer has no more either
NAMED = 20
#: changes that are counted; more are "more"
COUNTED = 10_000


@dataclass(frozen=True)
class Sides:
    """StudyInstanceUIDs as each side knows them, and how many changes the index hasn't seen."""

    archive: set[str]
    index: set[str]
    ris: set[str]
    behind: int


def examine_imaging(connection: Connection, settings: Settings, there: Catalogue) -> list[Finding]:
    """What is found of the archive, and of what it, the index and the RIS have in common."""
    missing = [t.name for t in (*TABLES, RIS) if (CDSS_SCHEMA, t.name) not in there.tables]
    if missing:
        text, costs = f"there is no {', '.join(missing)}", ("images can't be searched or shown",)
        return [Finding(Level.ADVICE, AREA, text, costs, "fhir-facade migrate")]
    if not settings.orthanc_api_url and not (settings.data_path / FOLDER).exists():
        return [fine(AREA, "the embedded archive has no images yet")]
    archive = archive_of(settings, AtRest())
    try:
        kept, behind = asyncio.run(_asked(archive, _position(connection, archive.name)))
    except ArchiveDownError as error:
        down = ("images are found and not shown", "nothing can be stored")
        return [Finding(Level.ADVICE, AREA, f"the {archive.name} archive: {error}", down)]
    sides = Sides(kept, _uids(connection, "index"), _uids(connection, "ris"), behind)
    return [*_following(connection, archive, sides), *_compared(sides), *_quarantine(connection)]


async def _asked(archive: Archive, position: str) -> tuple[set[str], int]:
    """The studies that it keeps, and how many changes there are after the position."""
    try:
        await archive.alive()
        behind = 0
        while behind < COUNTED:
            page = await archive.changes(position)
            behind, position = behind + len(page.found), page.position
            if page.done:
                break
        return {stored.address.study async for stored in archive.everything()}, behind
    finally:
        await archive.close()


def _position(connection: Connection, archive: str) -> str:
    p = fhir_dicom_position.c
    return str(connection.scalar(select(p.position).where(p.archive == archive)) or "")


def _uids(connection: Connection, side: str) -> set[str]:
    columns = {"index": fhir_dicom_study.c.study, "ris": RIS.c.study_instance_uid}
    found = connection.execute(select(columns[side]).distinct()).scalars()
    return {str(uid) for uid in found if uid}


def _following(connection: Connection, archive: Archive, sides: Sides) -> Iterator[Finding]:
    p = fhir_dicom_position.c
    until = connection.scalar(select(p.lease_until).where(p.archive == archive.name)) or 0
    yield fine(AREA, f"the {archive.name} archive answers; studies: {len(sides.archive)}")
    if until >= time.time():
        yield fine(AREA, f"a server follows it, {sides.behind} changes behind")
    elif sides.behind:
        text = f"no server follows it; changes that the index hasn't seen: {sides.behind}"
        yield Finding(Level.ADVICE, AREA, text, ("what came since isn't found",), "start the server")


def _compared(sides: Sides) -> Iterator[Finding]:
    if strays := sides.archive - sides.ris:
        text = f"studies that only the archive knows: {_named(strays)}"
        remedy = "store them with a PatientID or an accession number of the RIS's, or correct the RIS"
        yield Finding(Level.ADVICE, AREA, text, ("nobody sees them",), remedy)
    if empty := sides.ris - sides.archive:
        yield fine(AREA, f"studies that only the RIS knows: {_named(empty)}")
    if differing := sides.archive ^ sides.index:
        text = f"studies that only one of archive and index knows: {_named(differing)}"
        remedy = "wait for the next comparison, or fhir-facade archive rebuild"
        yield Finding(Level.ADVICE, AREA, text, ("searches and images don't agree",), remedy)


def _quarantine(connection: Connection) -> Iterator[Finding]:
    q = fhir_dicom_quarantine.c
    counted = select(q.reason, func.count()).group_by(q.reason).order_by(q.reason)
    for reason, count in connection.execute(counted):
        costs = ("nobody sees them",)
        yield Finding(Level.ADVICE, AREA, f"instances in quarantine, {reason}: {count}", costs)


def _named(studies: set[str]) -> str:
    """How many, and the first of them."""
    some: Sequence[str] = sorted(studies)[:NAMED]
    more = ", …" if len(studies) > NAMED else ""
    return f"{len(studies)} ({', '.join(some)}{more})"
