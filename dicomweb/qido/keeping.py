"""Statements of searches by their shapes: to build one costs more than to run it (docs/decisions/0010)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

from dicomweb.qido.statement import Statement
from mappers.database import Database
from mappers.statement import Statement as Text
from mappers.statement import compiled

MOST = 512


class Kept(NamedTuple):
    """The names of a statement's columns, and its text."""

    names: Sequence[str]
    text: Text


_KEPT: WeakKeyDictionary[Database, OrderedDict[Hashable, Kept]] = WeakKeyDictionary()


def kept(database: Database, statement: Statement) -> Kept:
    """The statement's text for a database, made once for each shape while it is kept."""
    known, shape = _KEPT.setdefault(database, OrderedDict()), statement.shape
    found = known.get(shape)
    if found is None:
        selected = statement.select()
        text = compiled(selected, database.dialect, statement.slots, database.schemas)
        found = known[shape] = Kept([column.name for column in selected.selected_columns], text)
        if len(known) > MOST:
            known.popitem(last=False)
    else:
        known.move_to_end(shape)
    return found
