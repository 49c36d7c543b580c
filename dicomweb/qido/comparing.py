"""Comparisons as data: their SQL depends on their shape alone, so that statements are kept by shape.

What is compared with goes into slots, in the order of the leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, literal_column, select
from sqlalchemy.types import String

from mappers.facade.imaging import fhir_dicom_series, fhir_dicom_study
from mappers.sql import Condition, all_of, any_of, exact

#: component delimiters that may stand at a name's end: as many components may be empty
DELIMITERS = 4
Slot = Callable[[], Any]


@dataclass(frozen=True)
class Leaf:
    """A column compared with a value in one of the ways of `HOW`."""

    how: str
    value: str | int

    @property
    def shape(self) -> Hashable:
        """What the SQL depends on."""
        return self.how

    def leaves(self) -> Iterator[str | int]:
        """The values, in order."""
        yield self.value

    def condition(self, column: ColumnElement[Any], slot: Slot) -> Condition:
        """The SQL."""
        return HOW[self.how](column, slot())


@dataclass(frozen=True)
class _Several:
    nodes: tuple[Node, ...]

    @property
    def shape(self) -> Hashable:
        """What the SQL depends on."""
        return (type(self).__name__, *(n.shape for n in self.nodes))

    def leaves(self) -> Iterator[str | int]:
        """The values, in order."""
        for node in self.nodes:
            yield from node.leaves()


@dataclass(frozen=True)
class Any_(_Several):
    """One of the comparisons at least."""

    def condition(self, column: ColumnElement[Any], slot: Slot) -> Condition:
        """The SQL."""
        return any_of(*(n.condition(column, slot) for n in self.nodes))


@dataclass(frozen=True)
class All(_Several):
    """All of the comparisons."""

    def condition(self, column: ColumnElement[Any], slot: Slot) -> Condition:
        """The SQL."""
        return all_of(*(n.condition(column, slot) for n in self.nodes))


Node = Leaf | Any_ | All
How = Callable[[ColumnElement[Any], Any], Condition]


def _like(column: ColumnElement[Any], pattern: Any) -> Condition:
    return column.like(pattern, escape="|")


def _group(column: ColumnElement[Any], pattern: Any) -> Condition:
    """Of `=A^B=C=` for a name `A^B^^=C`: each group between delimiters, without those of empty components.

    So is each of several names.
    """
    mark, end = literal("=", String()), literal("", String())
    found: ColumnElement[Any] = func.concat_ws(mark, end, column, end)
    found = func.replace(found, literal("\\", String()), mark)
    for _ in range(DELIMITERS):
        found = func.replace(found, literal("^=", String()), mark)
    return _like(found, pattern)


def _contains(column: ColumnElement[Any], value: Any) -> Condition:
    found: Condition = func.instr(column, exact(value)) > literal_column("0")
    return found


def _modality(column: ColumnElement[Any], pattern: Any) -> Condition:
    """Of a study that is looked at, in order: an aggregate keeps servers from listing all such studies."""
    of = fhir_dicom_series.alias("of_modality").c
    one: Select[Any] = select(func.max(literal_column("1")))
    one = one.where(of.study == fhir_dicom_study.c.study, _like(of.modality, pattern))
    looked_up = one.correlate(fhir_dicom_study).scalar_subquery()
    found: Condition = func.coalesce(looked_up, literal_column("0")) == literal_column("1")
    return found


HOW: Mapping[str, How] = {
    "equal": lambda column, value: column == value,
    "exact": lambda column, value: column == exact(value),
    "like": _like,
    "group": _group,
    "from": lambda column, value: column >= value,
    "beyond": lambda column, value: column > value,
    "until": lambda column, value: column <= value,
    "contains": _contains,
    "modality": _modality,
}
