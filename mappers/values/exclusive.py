"""Values that exclude each other, each of which is searched by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mappers.value import Columns, Read, Row, Value
from mappers.values.compounds import Choice, Several


class Exclusive(Several):
    """Values of which a row has at most one, such as references to different types; each is searched."""

    def reader(self, columns: Columns) -> Read:
        reads = [v.reader(columns) for v in self.values]

        def read(row: Row) -> Any:
            return next((found for each in reads if (found := each(row)) is not None), None)

        return read


class ExclusiveChoice(Choice):
    """A `[x]` element whose values exclude each other: each is searched (and followed) by itself."""

    def unfold(self) -> Sequence[tuple[Value, Any]]:
        """Each value is searched by itself."""
        return [(v, None) for v in self.values]
