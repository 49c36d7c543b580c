"""Values that exclude each other, each of which is searched by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mappers.sql import Condition, any_of
from mappers.value import Columns, Read, Row, Value
from mappers.values.compounds import Choice


class Exclusive(Value):
    """Values of which a row has at most one, such as references to different types; each is searched."""

    def __init__(self, *values: Value) -> None:
        self.values = values
        self.takes = tuple({t: None for v in values for t in v.takes})
        self.joins = tuple(j for v in values for j in v.joins)

    def unfold(self) -> Sequence[tuple[Value, Any]]:
        """Each value is searched by itself."""
        return [(v, None) for v in self.values]

    def reader(self, columns: Columns) -> Read:
        reads = [v.reader(columns) for v in self.values]

        def read(row: Row) -> Any:
            return next((found for each in reads if (found := each(row)) is not None), None)

        return read

    def present(self) -> Condition:
        return any_of(*(v.present() for v in self.values))


class ExclusiveChoice(Choice):
    """A `[x]` element whose values exclude each other: each is searched (and followed) by itself."""

    def unfold(self) -> Sequence[tuple[Value, Any]]:
        """Each value is searched by itself."""
        return [(v, None) for v in self.values]
