"""What waits in quarantine, looked at again: a patient may have been registered after the images came."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from sqlalchemy import select

from dicomweb.archives.archive import Address
from dicomweb.index.reading import rows
from dicomweb.index.whereabouts import Whereabouts
from dicomweb.intake import UID_IN_USE, Placed
from dicomweb.ris.whose import Told
from mappers.database import Database
from mappers.facade.imaging import fhir_dicom_quarantine

WAITING = fhir_dicom_quarantine.c
#: studies that are looked at again at once, the last ones that came
MOST = 1000


class _Waiting(NamedTuple):
    told: Told
    series: str
    reason: str
    place: str


async def released(database: Database, placed: Placed) -> list[str]:
    """The places of what waits for no reason any more; to be taken in anew, which decides.

    What has no place in the archive isn't among them.
    """
    studies = defaultdict[Told, list[_Waiting]](list)
    for one in await _waiting(database):
        studies[one.told._replace(instance="")].append(one)
    found = list[str]()
    for waiting in list(studies.values())[:MOST]:
        if not await placed.reason(database, waiting[0].told):
            found += [one.place for one in waiting if not await _stands(database, one)]
    return found


async def _waiting(database: Database) -> list[_Waiting]:
    names = ("study", "patient_id", "accession_number", "instance", "series", "reason", "place")
    last = select(*(WAITING[name] for name in names)).where(WAITING.place != "").order_by(WAITING.id.desc())
    texts = [tuple(map(str, row)) for row in await rows(database, last)]
    return [_Waiting(Told(*row[:4]), *row[4:]) for row in texts]


async def _stands(database: Database, one: _Waiting) -> bool:
    """Whether its UIDs are in use still."""
    address = Address(one.told.study, one.series, one.told.instance)
    return one.reason == UID_IN_USE and await Whereabouts(database).in_use(address)
