"""A stretch of all studies in their order: from one to another, or behind one."""

from __future__ import annotations

from collections.abc import Mapping
from operator import ge, gt, le, lt
from typing import Any, NamedTuple

from mappers.facade.imaging import fhir_dicom_study
from mappers.sql import Condition, all_of, any_of
from mappers.statement import Slots

ST = fhir_dicom_study.c


class Key(NamedTuple):
    """Where a study stands: newest come first."""

    date: str
    time: str
    study: str

    def values(self, name: str) -> Mapping[str, str]:
        """What the slots of a name hold."""
        return {f"{name}_{part}": value for part, value in self._asdict().items()}


class Stretch(NamedTuple):
    """The studies from the first to the last, both with them. `offset`: results of them that are left out."""

    first: Key
    last: Key
    offset: int

    @property
    def values(self) -> Mapping[str, Any]:
        """What its slots hold."""
        return {**self.first.values("first"), **self.last.values("last"), "offset": self.offset}


def within(slots: Slots) -> Condition:
    """That a study is of a stretch."""
    return all_of(_beyond(slots, "first", lt, le, le), _beyond(slots, "last", gt, ge, ge))


def behind(slots: Slots, name: str) -> Condition:
    """That a study comes after one."""
    return _beyond(slots, name, lt, le, lt)


def _beyond(slots: Slots, name: str, further: Any, not_before: Any, last: Any) -> Condition:
    """By date, time and UID; the date's own comparison is what an index begins at."""
    date, time, study = (slots.named(f"{name}_{part}") for part in Key._fields)
    same_time = all_of(ST.study_time == time, last(ST.study, study))
    further_there = any_of(further(ST.study_date, date), further(ST.study_time, time), same_time)
    return all_of(not_before(ST.study_date, date), further_there)
