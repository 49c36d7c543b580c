"""The RIS's rows that an access opens, by the StudyInstanceUIDs of their images.

Whoever sees an ImagingStudy sees the images of its UID. Where several rows have one UID, the images are
those of the row that the index names, and of no other: they may be of two patients. Where it names none of
them, the study goes by the smallest key that is seen. Only what was found is asked this: no index serves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, select

from dicomweb.access import Restriction
from mappers.engine import Engine
from mappers.facade.imaging import fhir_dicom_study
from mappers.mapping import Part
from mappers.query import Access, AllOf, AnyOf, Condition, NotAbout
from mappers.sql import one_of
from mappers.statement import Slots

IMAGING_STUDY, TABLE = "ImagingStudy", "ris_radiologystudy"


class Seen(NamedTuple):
    """A study that may be seen: its ImagingStudy's id and its patient's key."""

    id: str
    patient: str


class Studies:
    """Asks the compiler that answers searches of ImagingStudy."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def part(self) -> Part | None:
        """The RIS's part; None while the table isn't there."""
        parts = self.engine.mappings[IMAGING_STUDY].parts if IMAGING_STUDY in self.engine.mappings else ()
        return next((p for p in parts if getattr(p.source.table, "name", "") == TABLE), None)

    def restriction(self, access: Access) -> Restriction | None:
        """What an access opens; None: nothing."""
        part = self.part
        if part is None or not self._opens(access, part):
            return None

        def rows(slots: Slots) -> Select[Any]:
            found = self._rows(access, part, slots)
            assert found is not None
            return found

        conditions = access.conditions(IMAGING_STUDY) or ()
        most = all(_takes_out(c) for c in conditions)
        shape = (self.engine.plans, self.engine.opened_shape(access))
        return Restriction(rows, access.terms, shape, most)

    def _opens(self, access: Access, part: Part) -> bool:
        """Whether an access opens any row at all, looked at once for each shape."""
        shape = ("images opened", self.engine.opened_shape(access))

        def look() -> tuple[bool]:
            return (self._rows(access, part, Slots(access.terms)) is not None,)

        (found,) = self.engine.plans.cached(shape, look)
        return bool(found)

    async def seen(self, access: Access, studies: Sequence[str]) -> dict[str, Seen]:
        """Those of the studies that an access opens.

        The row that the index names is looked for first: no index of the RIS has to know UIDs for it.
        """
        found = await self._by_uids(access, studies, named=True) if studies else {}
        left = [s for s in studies if s not in found]
        return found | await self._by_uids(access, left, named=False) if left else found

    async def _by_uids(self, access: Access, studies: Sequence[str], *, named: bool) -> dict[str, Seen]:
        part = self.part
        if part is None:
            return {}
        size = 1 << (len(studies) - 1).bit_length()
        shape = ("studies", self.engine.opened_shape(access), size, named)
        plans = self.engine.plans

        def make() -> Any:
            slots = Slots(access.terms)
            statement = self._of_uids(access, part, slots, size, named)
            return None if statement is None else plans.text(statement, slots)

        statement = plans.cached(shape, make)
        if statement is None:
            return {}
        uids = [*studies, *[studies[-1]] * (size - len(studies))]
        values = {f"uid{i}": uid for i, uid in enumerate(uids)}
        rows = await self.engine.database.fetch(statement.sql, statement.parameters(access.terms, values))
        told: dict[str, Seen] = {}
        for uid, key, patient in rows:
            id_ = part.id.text(key)
            if id_ is not None:
                told.setdefault(str(uid), Seen(id_, str(patient)))
        return told

    def _of_uids(
        self, access: Access, part: Part, slots: Slots, size: int, named: bool
    ) -> Select[Any] | None:
        found = self._rows(access, part, slots)
        if found is None:
            return None
        table, index = part.source.table, fhir_dicom_study.c
        uids = [slots.named(f"uid{i}") for i in range(size)]
        found = found.where(one_of(table.c.study_instance_uid, uids), ~_another_is_named(table))
        if named:
            rows = select(index.ris_study).where(one_of(index.study, uids))
            found = found.where(table.c.study_id.in_(rows.correlate(None)))
        uid, _, patient = found.selected_columns
        return found.with_only_columns(uid, part.id.column, patient).order_by(part.id.column)

    def _rows(self, access: Access, part: Part, slots: Slots) -> Select[Any] | None:
        columns = part.source.table.c
        return self.engine.opened(
            IMAGING_STUDY,
            part,
            access,
            slots,
            columns.study_instance_uid.label("uid"),
            columns.study_id.label("row"),
            columns.patient_id.label("patient"),
        )


def _another_is_named(row: Any) -> ColumnElement[bool]:
    """Whether the index says that the images of a row's UID are another row's, which has that UID too."""
    index, other = fhir_dicom_study.c, row.alias("named_study")
    named = (
        index.study == row.c.study_instance_uid,
        index.ris_study != row.c.study_id,
        other.c.study_id == index.ris_study,
        other.c.study_instance_uid == index.study,
    )
    return select(index.study).where(*named).correlate(row).exists()


def _takes_out(condition: Condition) -> bool:
    """Whether a condition takes some rows out of all, and names none."""
    if isinstance(condition, AnyOf):
        return any(_takes_out(c) for c in condition.conditions)
    if isinstance(condition, AllOf):
        return all(_takes_out(c) for c in condition.conditions)
    return isinstance(condition, NotAbout)
