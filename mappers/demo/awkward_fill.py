"""Rows filled by rule: zero in every date, NULL wherever it is allowed, blank and zero everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Integer, String, Table

from mappers.cdss.tables import CDSS
from mappers.column_types import (
    DecimalText,
    FloatText,
    JsonText,
    OneOf,
    SiteDate,
    SiteDateTime,
    SiteTime,
    UtcTimestamp,
    Uuid16,
)
from mappers.demo.clock import ZERO_DATE, ZERO_DATETIME
from mappers.demo.rows import row_key
from mappers.openemr.tables import OPENEMR

SUBJECT_PID, SUBJECT_ID = 900_001, "P-2025-900001"
KEY_PREFIX = {
    "emr_patientcache": "P-2025-",
    "emr_encounter": "E-2025-",
    "ocs_order": "O-2025-",
    "lis_specimen": "S-2025-",
    "ris_radiologystudy": "ST-2025-",
}
# What a CDSS row must point to, being a NOT NULL foreign key.
PARENTS = {
    "emr_patientcache": SUBJECT_ID,
    "ocs_order": "O-2025-900003",
    "ris_radiologystudy": "ST-2025-900003",
}
PATIENT_COLUMNS = ("pid", "patient_id", "foreign_id", "pc_pid")
# Without these a row would not be read at all, and show nothing.
LIVE: dict[str, dict[str, Any]] = {
    "lists": {"type": "medical_problem"},
    "form_vitals": {"bps": "120", "bpd": "80", "activity": 1},
    "procedure_order_code": {"procedure_order_seq": 1},
    "procedure_report": {"procedure_order_seq": 1},
}
LIVE_FLAGS = ("is_active", "activity", "active")


@dataclass(frozen=True)
class Fill:
    """A rule: what a column holds, and which key the row has."""

    number: int
    why: str
    value: Callable[[Column[Any]], Any]
    openemr_only: bool = False

    def suits(self, table: Table) -> bool:
        """Whether the rule fills anything of the table besides its key."""
        if self.openemr_only and table.metadata is not OPENEMR:
            return False
        rest = [column for column in table.columns if column.name not in row_key(table)]
        return any(self.value(column) is not OMITTED for column in rest)

    def values(self, table: Table) -> dict[str, Any]:
        """The row's values: by the rule, where nothing has to be told apart, linked or kept alive."""
        filled = {c.name: self.value(c) for c in table.columns}
        kept = {name: value for name, value in filled.items() if value is not OMITTED}
        return kept | self._unique(table) | self._links(table) | self._key(table) | self._live(table)

    def _key(self, table: Table) -> dict[str, Any]:
        prefix = KEY_PREFIX.get(table.name, "")
        key = {name: self._told_apart(table.columns[name], prefix) for name in row_key(table)}
        return key | ({"id": self.number} if table.name == "patient_data" else {})

    def _unique(self, table: Table) -> dict[str, Any]:
        return {c.name: self._told_apart(c) for c in table.columns if c.unique and not c.nullable}

    def _told_apart(self, column: Column[Any], prefix: str = "") -> Any:
        return self.number if isinstance(column.type, Integer) else f"{prefix}{self.number}"

    def _links(self, table: Table) -> dict[str, Any]:
        links: dict[str, Any] = {}
        for column in table.columns:
            for foreign_key in column.foreign_keys:
                parent = foreign_key.column.table.name
                links[column.name] = None if column.nullable else PARENTS[parent]
        return links if table.metadata is CDSS else self._openemr_links(table)

    def _openemr_links(self, table: Table) -> dict[str, Any]:
        if self is NULLS:
            return {}
        names = [name for name in PATIENT_COLUMNS if name in table.columns]
        links: dict[str, Any] = dict.fromkeys(names, SUBJECT_PID)
        if "pc_pid" in links:
            links["pc_pid"] = str(SUBJECT_PID)
        chain = ("procedure_order_id", "procedure_report_id")
        return links | {name: self.number for name in chain if name in table.columns}

    def _live(self, table: Table) -> dict[str, Any]:
        if self is NULLS:
            return {}
        flags = {name: 1 for name in LIVE_FLAGS if name in table.columns}
        return flags | LIVE.get(table.name, {})


OMITTED = object()


def _zero_date(column: Column[Any]) -> Any:
    if isinstance(column.type, SiteDate):
        return ZERO_DATE
    return ZERO_DATETIME if isinstance(column.type, SiteDateTime | UtcTimestamp) else OMITTED


def _null(column: Column[Any]) -> Any:
    return None if column.nullable else OMITTED


def _blank(column: Column[Any]) -> Any:
    if isinstance(column.type, Integer | DecimalText | FloatText):
        return 0
    if isinstance(column.type, Uuid16):
        return bytes(16)
    if isinstance(column.type, String | OneOf | JsonText):
        return ""
    dates = SiteDate | SiteDateTime | SiteTime | UtcTimestamp
    return None if column.nullable and isinstance(column.type, dates) else OMITTED


ZERO_DATES = Fill(900_101, "zero in every date", _zero_date, openemr_only=True)
NULLS = Fill(900_102, "NULL wherever NULL is allowed", _null)
BLANKS = Fill(900_103, "blank texts, zeros and zero uuids", _blank)
FILLS = (ZERO_DATES, NULLS, BLANKS)
