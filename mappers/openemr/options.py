"""Titles of OpenEMR's list options: what a site calls an option id."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer, String, and_, cast

from mappers.mapping import Join
from mappers.openemr.tables import list_options
from mappers.sql import exact
from mappers.value import Column
from mappers.values import FirstOf, Str


class OptionTitle(Str):
    """The title of the option that a column names in a list (`list_options` has both for its key)."""

    def __init__(self, list_id: str, column: Any) -> None:
        option = list_options.alias(f"{list_id}_of_{column.table.name}"[:60])
        # a number made text has the connection's collation, not OpenEMR's: compared byte by byte
        named: Column = exact(cast(column, String(31))) if isinstance(column.type, Integer) else column
        super().__init__(option.c.title)
        self.joins = (Join(option, and_(option.c.list_id == list_id, option.c.option_id == named)),)


def title_or_word(list_id: str, column: Any) -> FirstOf:
    """The option's title, else the stored word itself."""
    return FirstOf(OptionTitle(list_id, column), Str(column))
