"""One statement of a search: the keys of its page, in order, and then what is shown of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, func, literal_column, select, union

from dicomweb.access import Restriction
from dicomweb.archives.archive import Address
from dicomweb.qido.asked import Match, Search
from dicomweb.qido.attributes import LEVELS, of_level
from dicomweb.qido.matching import Bound, condition, identifier
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study
from mappers.sql import Condition, all_of, any_of

TABLES = {"study": fhir_dicom_study, "series": fhir_dicom_series, "instance": fhir_dicom_instance}
ST, SE, IN = (TABLES[level].c for level in LEVELS)
#: the order of each level, without which pages would overlap: newest studies first, then as people number
ORDERS: Mapping[str, Sequence[ColumnElement[Any]]] = {
    "study": (ST.study_date.desc(), ST.study_time.desc(), ST.study.desc()),
    "series": (SE.number, SE.series),
    "instance": (IN.number, IN.instance),
}
MODALITIES = "modalities"
COUNTS = {"study": ("series_count", "instance_count"), "series": ("series_instances",), "instance": ()}


class Statement:
    """The statement of a search below an address, as far as a restriction lets it see."""

    def __init__(self, search: Search, address: Address, restriction: Restriction, bound: Bound) -> None:
        self.search, self.address, self.restriction, self.bound = search, address, restriction, bound
        self.levels = LEVELS[: LEVELS.index(search.level) + 1]

    @property
    def order(self) -> list[ColumnElement[Any]]:
        """The order of results, whatever is asked."""
        return [column for level in self.levels for column in ORDERS[level]]

    def select(self) -> Select[Any]:
        """The page's rows, one more than it may have."""
        page = self._page().subquery("page")
        own = TABLES[self.search.level]
        key = own.c[self.search.level]
        source: FromClause = page.join(own, key == page.c.key_)
        for level in reversed(self.levels[:-1]):
            table = TABLES[level]
            source = source.join(table, table.c[level] == own.c[level])
        return select(*self._shown()).select_from(source).order_by(*self.order)

    def _page(self) -> Select[Any]:
        own = TABLES[self.search.level]
        source: FromClause = own
        for level in reversed(self.levels[:-1]):
            table = TABLES[level]
            source = source.join(table, table.c[level] == own.c[level])
        for number, match in enumerate(m for m in self.search.matches if _of_patient(m)):
            keys = self._of_patient(match).subquery(f"patient{number}")
            source = source.join(keys, keys.c.k == ST.study)
        keyed = select(own.c[self.search.level].label("key_")).select_from(source).where(self._where())
        slots = self.bound.slots
        return keyed.order_by(*self.order).limit(slots.named("limit")).offset(slots.named("offset"))

    def _where(self) -> Condition:
        fixed = [
            TABLES[level].c[level] == self.bound(uid)
            for level, uid in zip(LEVELS, self.address, strict=True)
            if uid
        ]
        asked = [self._asked(m) for m in self.search.matches if not _of_patient(m)]
        return all_of(self._seen(), *fixed, *asked)

    def _seen(self) -> Condition:
        """That the caller sees a row of the RIS with the study's UID.

        Who sees most studies asks each in order, by the row that the index names, until a page is full: from
        the list of all that are seen no server would find the newest without sorting it.
        """
        rows = self.restriction.rows(self.bound.slots)
        seen: Condition = ST.study.in_(rows.with_only_columns(rows.selected_columns.uid).correlate(None))
        return any_of(self._named_row(), seen) if self.restriction.most else seen

    def _named_row(self) -> Condition:
        rows = self.restriction.rows(self.bound.slots)
        uid, row, _ = (column.element for column in rows.selected_columns)
        named: Select[Any] = rows.with_only_columns(func.max(literal_column("1"))).where(
            row == ST.ris_study, uid == ST.study
        )
        looked_up = named.correlate(fhir_dicom_study).scalar_subquery()
        found: Condition = func.coalesce(looked_up, literal_column("0")) == literal_column("1")
        return found

    def _asked(self, match: Match) -> Condition:
        attribute = match.attribute
        column = TABLES[attribute.level].c[attribute.column or attribute.level]
        return condition(match, column, self.bound, fuzzy=self.search.fuzzy)

    def _of_patient(self, match: Match) -> Any:
        """Studies of a patient: by the files' PatientID, and by the RIS's row, which may know better."""
        name, value = match.attribute.keyword, match.values[0]
        rows = self.restriction.rows(self.bound.slots)
        uid, _, patient = rows.selected_columns
        by_row = rows.with_only_columns(uid.label("k")).where(
            identifier(name, value, patient.element, self.bound)
        )
        by_file = select(ST.study.label("k")).where(identifier(name, value, ST.patient_id, self.bound))
        return union(by_file.correlate(None), by_row.correlate(None))

    def _shown(self) -> list[ColumnElement[Any]]:
        found: list[ColumnElement[Any]] = []
        for level in self.levels:
            table = TABLES[level]
            columns = dict.fromkeys(a.column for a in of_level(level) if a.column in table.c)
            columns.pop("attributes", None)
            found += [table.c[c].label(f"{level}_{c}") for c in columns]
            if level != "instance":
                found.append(table.c.attributes.label(f"{level}_attributes"))
            elif self.search.of_files:
                found.append(table.c.metadata.label("instance_metadata"))
        return found + _counted(self.levels[-1])


def _of_patient(match: Match) -> bool:
    return match.attribute.matching == "patient"


def _counted(level: str) -> list[ColumnElement[Any]]:
    """Of a study, its modalities and how much there is of it; of a series, its instances."""
    if level == "instance":
        return []
    if level == "series":
        return [_count(fhir_dicom_instance, "series", SE.series).label("series_instances")]
    modality = fhir_dicom_series.alias("modality_of").c
    told = select(func.group_concat(modality.modality.distinct())).where(
        modality.study == ST.study, modality.modality != ""
    )
    return [
        told.correlate(fhir_dicom_study).scalar_subquery().label(MODALITIES),
        _count(fhir_dicom_series, "study", ST.study).label("series_count"),
        _count(fhir_dicom_instance, "study", ST.study).label("instance_count"),
    ]


def _count(table: Any, by: str, key: ColumnElement[Any]) -> Any:
    counted = table.alias()
    found = select(func.count()).select_from(counted).where(counted.c[by] == key)
    return found.correlate(key.table).scalar_subquery()
