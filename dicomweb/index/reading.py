"""What the index says of instances: where they are, what they are in, and their attributes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ClauseElement, Select, select

from dicomweb.archives.archive import Address
from dicomweb.index.asking import Build, ask
from mappers.at_rest import AtRest
from mappers.database import Database, Rows
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series
from mappers.keyring import UnopenableError
from mappers.statement import Slots, compiled
from mappers.stored.places import of_metadata

log = logging.getLogger("dicomweb.index")
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
    OF.bits_allocated,
    OF.size,
    OF.place,
    OF.digest,
)


class IndexedInstance(NamedTuple):
    """An instance, and what is known of it without its file. `frames` None: it has no pixels.

    `bits`: those that are allocated to a sample; `size`: bytes of its file; `digest`: SHA-256 of that, or ''
    if it wasn't seen whole.
    """

    address: Address
    sop_class: str
    transfer_syntax: str
    number: int | None
    frames: int | None
    rows: int | None
    columns: int | None
    bits: int | None
    size: int
    place: str
    digest: str


async def instances(database: Database, address: Address) -> Sequence[IndexedInstance]:
    """All instances of what the address names, always in the same order; none where it names nothing."""
    found = await _found(database, address, _INSTANCES_OF)
    return [IndexedInstance(Address(*row[:3]), *row[3:]) for row in found]


async def instances_of(database: Database, uids: Sequence[str]) -> Sequence[IndexedInstance]:
    """The instances of these UIDs, in no order."""
    found = select(*_COLUMNS).select_from(_INSTANCES).where(OF.instance.in_(uids))
    return [IndexedInstance(Address(*row[:3]), *row[3:]) for row in await rows(database, found)]


async def metadata(database: Database, address: Address) -> Sequence[tuple[Address, str]]:
    """DICOM JSON of each instance, without brackets around it, in the order of `instances`.

    `BulkDataURI` is relative to the instance: `bulkdata/` and the tag, below items as tag/number/tag with
    numbers from 1. '' where it can't be opened: it was changed, or the key that sealed it isn't here.
    """
    found = await _found(database, address, _METADATA_OF)
    return [(Address(*row[:3]), _opened(database.at_rest, *row[2:])) for row in found]


def _opened(at_rest: AtRest, instance: str, text: str) -> str:
    try:
        return at_rest.told(text, of_metadata(instance))
    except UnopenableError as fault:
        log.error("the index's row of the instance %s can't be opened: %s", instance, fault)
        return ""


async def _found(database: Database, address: Address, selects: Mapping[str, Build]) -> Rows:
    named = {level: uid for level, uid in address._asdict().items() if uid}
    return await ask(database, selects["/".join(named)], **named)


def _selects(*columns: Any) -> Mapping[str, Build]:
    """How the columns are asked for, by the levels that an address names."""
    levels = ("study", "study/series", "study/instance", "study/series/instance", "instance")
    return {named: _select(columns, named.split("/")) for named in levels}


def _select(columns: Sequence[Any], levels: Sequence[str]) -> Build:
    def build(slots: Slots, dialect: str) -> ClauseElement:
        within = [OF[level] == slots.named(level) for level in levels]
        return select(*columns).select_from(_INSTANCES).where(*within).order_by(*_ORDER)

    return build


_INSTANCES_OF = _selects(*_COLUMNS)
_METADATA_OF = _selects(OF.study, OF.series, OF.instance, OF.metadata)


async def rows(database: Database, statement: Select[Any]) -> Rows:
    """All rows of a select."""
    made = compiled(statement, database.dialect, Slots(()), database.schemas)
    return await database.fetch(made.sql, made.parameters((), {}))
