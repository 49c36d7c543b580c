"""One statement of a search: the keys of its page, in order, and then what is shown of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, String, func, literal, literal_column, select, union

from dicomweb.access import Restriction
from dicomweb.archives.archive import Address
from dicomweb.qido.asked import Match, Search
from dicomweb.qido.attributes import LEVELS, Attribute, of_level
from dicomweb.qido.comparing import Node
from dicomweb.qido.matching import asked_of, day_of, moments
from dicomweb.qido.stretch import Stretch, within
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study
from mappers.sql import Condition, all_of, any_of
from mappers.statement import Slots

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


@dataclass(frozen=True)
class Asked:
    """One match of a search, as comparisons; `name`: what its slots' names begin with.

    `day`: the attribute with the date of a time that is compared together with it.
    """

    name: str
    match: Match
    node: Node
    day: Attribute | None = None

    @property
    def shape(self) -> Hashable:
        """What its SQL depends on."""
        return self.match.attribute.tag, self.node.shape, self.day is not None

    @property
    def column(self) -> ColumnElement[Any]:
        """What is compared: a date and a time as one text, which is none where there is no time."""
        own = _column_of(self.match.attribute)
        return _column_of(self.day).concat(func.nullif(own, literal("", String()))) if self.day else own

    @property
    def values(self) -> dict[str, Any]:
        """What its slots hold."""
        return {f"{self.name}_{i}": value for i, value in enumerate(self.node.leaves())}

    def condition(self, column: ColumnElement[Any], slots: Slots) -> Condition:
        """What it asks of a column."""
        number = count()
        return self.node.condition(column, lambda: slots.named(f"{self.name}_{next(number)}"))


class Statement:
    """The statement of a search below an address or of a stretch of studies, as a restriction lets it see.

    Raises DicomFault 400 for a value that an attribute can't have.
    """

    def __init__(
        self, search: Search, address: Address, restriction: Restriction, stretch: Stretch | None = None
    ) -> None:
        self.search, self.address, self.restriction, self.stretch = search, address, restriction, stretch
        self.levels = LEVELS[: LEVELS.index(search.level) + 1]
        self.slots = Slots(restriction.terms)
        nodes = ((match, *_nodes(match, search)) for match in search.matches)
        self.asked = [Asked(f"m{i}", *one) for i, one in enumerate(nodes)]

    @property
    def shape(self) -> Hashable:
        """What its text depends on."""
        asked = tuple(one.shape for one in self.asked)
        named = tuple(bool(uid) for uid in self.address)
        return (
            self.search.level,
            named,
            self.stretch is not None,
            asked,
            self.search.of_files,
            self.restriction.shape,
            self.restriction.most,
        )

    @property
    def values(self) -> dict[str, Any]:
        """What its slots hold, those of the restriction apart."""
        found = {f"in_{level}": uid for level, uid in zip(LEVELS, self.address, strict=True) if uid}
        for one in self.asked:
            found |= one.values
        stretch = self.stretch.values if self.stretch else {}
        return {**found, "limit": self.search.count + 1, "offset": self.search.offset, **stretch}

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
        for one in self._patients():
            keys = self._of_patient(one).subquery(f"patient_{one.name}")
            source = source.join(keys, keys.c.k == ST.study)
        keyed = select(own.c[self.search.level].label("key_")).select_from(source).where(self._where())
        limit, offset = self.slots.named("limit"), self.slots.named("offset")
        return keyed.order_by(*self.order).limit(limit).offset(offset)

    def _where(self) -> Condition:
        fixed = [
            TABLES[level].c[level] == self.slots.named(f"in_{level}")
            for level, uid in zip(LEVELS, self.address, strict=True)
            if uid
        ]
        asked = [self._asked(one) for one in self.asked if one not in self._patients()]
        stretch = [within(self.slots)] if self.stretch else []
        return all_of(self._seen(), *fixed, *stretch, *asked)

    def _seen(self) -> Condition:
        """That the caller sees a row of the RIS with the study's UID: the one that the index names, if any.

        Who sees most studies asks each in order, by the row that the index names, until a page is full: from
        the list of all that are seen no server would find the newest without sorting it.
        """
        rows = self.restriction.rows(self.slots)
        seen: Condition = ST.study.in_(rows.with_only_columns(rows.selected_columns.uid).correlate(None))
        if self.restriction.most:
            return any_of(self._named_row(), all_of(seen, ~self._is_named()))
        return all_of(seen, any_of(self._named_row(), ~self._is_named()))

    def _named_row(self) -> Condition:
        rows = self.restriction.rows(self.slots)
        uid, row, _ = (column.element for column in rows.selected_columns)
        return _is_there(rows, row == ST.ris_study, uid == ST.study)

    def _is_named(self) -> Condition:
        """That the row the index names is there, whoever sees it: the images are no other row's then."""
        uid, row, _ = (column.element for column in self.restriction.rows(self.slots).selected_columns)
        named = row.table.alias("named_study")
        return _is_there(select(named), named.c[row.name] == ST.ris_study, named.c[uid.name] == ST.study)

    def _asked(self, one: Asked) -> Condition:
        return one.condition(one.column, self.slots)

    def _patients(self) -> list[Asked]:
        return [one for one in self.asked if one.match.attribute.matching == "patient"]

    def _of_patient(self, one: Asked) -> Any:
        """Studies of a patient: by the files' PatientID, and by the RIS's row, which may know better."""
        rows = self.restriction.rows(self.slots)
        uid, _, patient = rows.selected_columns
        row_of = rows.with_only_columns(uid.label("k")).where(one.condition(patient.element, self.slots))
        by_row = row_of.where(~_another_is_named(rows))
        by_file = select(ST.study.label("k")).where(one.condition(ST.patient_id, self.slots))
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


def _column_of(attribute: Attribute) -> ColumnElement[Any]:
    return TABLES[attribute.level].c[attribute.column or attribute.level]


def _nodes(match: Match, search: Search) -> tuple[Node, Attribute | None]:
    """What a match asks, and the date that is compared with it if it is a time's."""
    day = day_of(match, search.matches)
    together = moments(day, match) if day else None
    if day and together:
        return together, day.attribute
    return asked_of(match, fuzzy=search.fuzzy), None


def _is_there(rows: Select[Any], *where: ColumnElement[bool]) -> Condition:
    """That a study has such a row; looked up for each, which no server makes a join of."""
    found: Select[Any] = rows.with_only_columns(func.max(literal_column("1"))).where(*where)
    looked_up = found.correlate(fhir_dicom_study).scalar_subquery()
    there: Condition = func.coalesce(looked_up, literal_column("0")) == literal_column("1")
    return there


def _another_is_named(rows: Select[Any]) -> Condition:
    """Whether the index says that the images of a row's UID are another row's, which has that UID too."""
    uid, row, _ = (column.element for column in rows.selected_columns)
    index, other = fhir_dicom_study.alias("index_of").c, row.table.alias("other_row").c
    named = (index.study == uid, index.ris_study != row)
    same = (other[row.name] == index.ris_study, other[uid.name] == index.study)
    return select(index.study).where(*named, *same).correlate(row.table).exists()


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
