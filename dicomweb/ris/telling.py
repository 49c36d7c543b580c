"""What becomes of an ImagingStudy when its images come or go: a version, and an event."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from dicomweb.index.reading import rows
from mappers.engine import Engine
from mappers.facade.tables import fhir_version
from mappers.query import UNRESTRICTED
from mappers.transaction import Transaction
from mappers.write import history
from mappers.write.history import Author, Version

STUDY = "ImagingStudy"
AUTHOR = Author("imaging archive")
#: of a study that comes image by image one version a minute is kept; each change is an event
APART = timedelta(seconds=60)
V = fhir_version.c


async def tell(engine: Engine, t: Transaction, key: str, now: str, method: str) -> None:
    """Tells that a study is as it is now; nothing where its row can't be read as an ImagingStudy."""
    mapping = engine.mappings.get(STUDY)
    id_ = mapping.parts[0].id.text(key) if mapping and mapping.parts else None
    found = await engine.within(t).read(STUDY, id_, UNRESTRICTED) if id_ else None
    if not isinstance(found, dict):
        return
    version = Version(0, STUDY, found["id"], found["meta"]["versionId"], now, method, found)
    if await _just_kept(t, version):
        await history.tell(t, AUTHOR, version)
    else:
        await history.keep(t, AUTHOR, version)


async def _just_kept(t: Transaction, version: Version) -> bool:
    """Whether the last version is one of ours, and hardly older."""
    last = (
        select(V.author, V.recorded)
        .where(V.resource_type == STUDY, V.resource_id == version.id)
        .order_by(V.id.desc())
        .limit(1)
    )
    since = datetime.fromisoformat(version.recorded) - APART
    found = await rows(t, last)
    return any(a == AUTHOR.name and datetime.fromisoformat(str(r)) > since for a, r in found)
