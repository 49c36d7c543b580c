"""References: from one resource to another, key to key."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import ColumnClause
from sqlalchemy.sql.visitors import iterate

from mappers.mapping import Id, Join
from mappers.spelled import Spelled, called, spelled, spelling
from mappers.sql import Alternative, Condition, any_of
from mappers.terms import Ref, Term
from mappers.value import Cells, Column, Columns, DirtyRowError, Question, Read, Row, Value, Writing


@dataclass(frozen=True, eq=False)
class Route:
    """One way from a row to a resource: the row whose `target` column equals `own` has the id `id`.

    `id` reads from the row at hand (the own key itself, or a column of a joined table); `target` names the
    column of the referred table, None for its native key. `loose`: several rows may equal it, of which the
    joins choose one (or none), so that only `id` tells which is meant.
    """

    own: Column
    id: Id
    target: str | None = None
    loose: bool = False


class ReferenceTo(Value):
    """A reference to one resource; of several routes the first that leads somewhere is taken.

    A row that refers to nothing that can be served has no reference: no reference may be a dead end.
    https://hl7.org/fhir/R4/references.html
    """

    takes: tuple[type[Term], ...] = (Ref,)
    fhir_type = "Reference"
    #: a row without it can't be shown at all (see `needed`)
    needed = False

    def __init__(
        self,
        resource_type: str,
        *routes: Route | Id,
        display: Value | None = None,
        joins: tuple[Join, ...] = (),
        type_stated: bool = False,
    ) -> None:
        self.resource_type, self.display = resource_type, display
        self.routes = tuple(r if isinstance(r, Route) else Route(r.column, r) for r in routes)
        self.joins = joins + (display.joins if display else ())

    def reader(self, columns: Columns) -> Read:
        make = self._needed if self.needed else self._reader
        # a page's rows share their authors; what holds an id alone is made as fast as it is found again
        return make(columns) if self._is_plain else columns.remembering(make)

    @property
    def _is_plain(self) -> bool:
        return len(self.routes) == 1 and self.display is None

    def _needed(self, columns: Columns) -> Read:
        return _insisting(self._reader(columns), self.resource_type)

    def _reader(self, columns: Columns) -> Read:
        ids = [route.id.reader(columns) for route in self.routes]
        for column in chain.from_iterable(_columns(route.own) for route in self.routes):
            columns.at(column)  # what others change there is another reference, wherever the id is read
        prefix = self.resource_type + "/"
        return _plain(prefix, ids[0]) if self._is_plain else self._first(prefix, ids, columns)

    def _first(self, prefix: str, ids: Sequence[Read], columns: Columns) -> Read:
        """The first of several ways that leads somewhere, with what is shown."""
        ids = [called(each) for each in ids]
        display = self.display.reader(columns) if self.display else None

        def read(row: Row) -> Any:
            found = next((i for each in ids if (i := each(row))), None)
            if found is None:
                return None
            shown = display(row) if display else None
            reference = {"reference": prefix + found}
            return {**reference, "display": shown} if shown else reference

        return read

    def matches(self, term: Term, q: Question) -> list[Alternative]:
        assert isinstance(term, Ref)
        return q.refers(self, term)

    def present(self) -> Condition:
        return any_of(*(route.id.column.is_not(None) for route in self.routes))

    def sort_key(self) -> Column:
        return self.routes[0].own

    def written(self, said: Any, w: Writing) -> Cells | None:
        if said is None:
            return {route.own: None for route in self.routes}
        text = said.get("reference") if isinstance(said, dict) else None
        return w.target(self, text) if isinstance(text, str) else None


def _plain(prefix: str, id_: Spelled) -> Spelled:
    """What reads a reference that holds an id alone."""
    made = spelling("if value: value = {'reference': $prefix + value}\nelse: value = None", prefix=prefix)
    return Spelled([*id_.lines, *made.lines], id_.used | made.used)


def _columns(own: Column) -> Iterator[Column]:
    """The columns that lead from a row, where an expression is made of several."""
    return (c for c in iterate(own) if isinstance(c, ColumnClause))


def needed(reference: ReferenceTo) -> ReferenceTo:
    """The reference, without which a row is unreadable: whose a finding is must never be left open."""
    found = copy.copy(reference)
    found.needed = True
    return found


def _insisting(read: Read, resource_type: str) -> Spelled:
    def lack() -> None:
        raise DirtyRowError(f"there is no {resource_type} that it could belong to")

    told, insisted = spelled(read), spelling("if value is None: $lack()", lack=lack)
    return Spelled([*told.lines, *insisted.lines], told.used | insisted.used)
