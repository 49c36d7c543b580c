"""What the index says of instances: where they are, what they are in, and their attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, select

from dicomweb.archives.archive import Address
from mappers.database import Database, Rows
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series
from mappers.statement import Slots, compiled
from mappers.stored.places import of_metadata

OF, S = fhir_dicom_instance.c, fhir_dicom_series.c
_INSTANCES = fhir_dicom_instance.join(fhir_dicom_series, S.series == OF.series)
#: series by number, and those of one number by UID; so are the instances of each
_ORDER = (S.number, OF.series, OF.number, OF.instance)
_COLUMNS = (
    OF.study,
    OF.series,
    OF.instance,
    OF.sop_class,
    OF.transfer_syntax,
    OF.number,
    OF.frames,
    OF.row_count,
    OF.column_count,
    OF.size,
    OF.place,
    OF.digest,
)


class IndexedInstance(NamedTuple):
    """An instance, and what is known of it without its file. `frames` None: it has no pixels.

    `size`: bytes of its file; `digest`: SHA-256 of that, or '' if it wasn't seen whole.
    """

    address: Address
    sop_class: str
    transfer_syntax: str
    number: int | None
    frames: int | None
    rows: int | None
    columns: int | None
    size: int
    place: str
    digest: str


async def instances(database: Database, address: Address) -> Sequence[IndexedInstance]:
    """All instances of what the address names, always in the same order; none where it names nothing."""
    found = await rows(database, _select(address, *_COLUMNS))
    return [IndexedInstance(Address(*row[:3]), *row[3:]) for row in found]


async def metadata(database: Database, address: Address) -> Sequence[tuple[Address, str]]:
    """DICOM JSON of each instance, without brackets around it, in the order of `instances`.

    `BulkDataURI` is relative to the instance: `bulkdata/` and the tag, below items as tag/number/tag with
    numbers from 1. Raises UnopenableError where it was sealed and the key isn't here.
    """
    found = await rows(database, _select(address, OF.study, OF.series, OF.instance, OF.metadata))
    told = database.at_rest.told
    return [(Address(*row[:3]), told(row[3], of_metadata(row[2]))) for row in found]


def _select(address: Address, *columns: Any) -> Select[Any]:
    named = {OF.study: address.study, OF.series: address.series, OF.instance: address.instance}
    within = [column == uid for column, uid in named.items() if uid]
    return select(*columns).select_from(_INSTANCES).where(*within).order_by(*_ORDER)


async def rows(database: Database, statement: Select[Any]) -> Rows:
    """All rows of a select."""
    made = compiled(statement, database.dialect, Slots(()), database.schemas)
    return await database.fetch(made.sql, made.parameters((), {}))
