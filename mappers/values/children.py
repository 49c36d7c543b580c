"""Children: rows of another table that belong to a row; one query a page, whatever the page's size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import FromClause, Select, select

from mappers.mapping import Join
from mappers.sql import ALWAYS, Condition, all_of
from mappers.value import Column, Columns, Read, Row, Value


class Children(Value):
    """The rows of `table` whose `link` equals `own`, each read by `value`, in the order of `order`.

    The value of the whole is the list of what the rows yield. `first`: of the first one only. `joins`: what
    leads from the rows to `link`.
    Elements and parts that share one object share its query.
    """

    def __init__(
        self,
        table: FromClause,
        own: Column,
        link: Column,
        value: Value,
        *,
        order: Sequence[Column] = (),
        where: Condition = ALWAYS,
        first: bool = False,
        joins: Sequence[Join] = (),
    ) -> None:
        self.table, self.own, self.link, self.value = table, own, link, value
        self.order, self.where, self.first = tuple(order), where, first
        self.child_joins: tuple[Join, ...] = (*joins, *value.joins)
        self.fhir_type = value.fhir_type
        self._readers: WeakKeyDictionary[Columns, tuple[Read, int]] = WeakKeyDictionary()

    def reader(self, columns: Columns) -> Read:
        found = self._readers.get(columns)
        if found is None:
            found = self._readers[columns] = self._reader(columns)
        read, place = found
        columns.beyond_row(place)
        return read

    def _reader(self, columns: Columns) -> tuple[Read, int]:
        """The reader, and the place in a row where the child rows stand."""
        inner = Columns(columns.site)
        read, own = self.value.reader(inner), columns.at(self.own)
        place = columns.child(ChildQuery(self, inner, own))
        first = self.first

        def read_all(row: Row) -> Any:
            items = [found for child in row[place] if (found := read(inner.opened(child))) is not None]
            if not items:
                return None
            return (
                items[0] if first else [i for item in items for i in (item if type(item) is list else [item])]
            )

        return read_all, place

    def unfold(self) -> Sequence[tuple[Value, Any]]:
        """Conditions inside are conditions on a child row."""
        return [(self.value, self)]

    def around(self, condition: Condition) -> Condition:
        """The condition on this row that says: one of its children fulfils `condition`."""
        return self.own.in_(self.keys(condition))

    def keys(self, condition: Condition) -> Select[Any]:
        """The link values of the children that fulfil a condition."""
        return (
            select(self.link)
            .select_from(self.rows())
            .where(all_of(self.where, condition), self.link.is_not(None))
        )

    def rows(self) -> FromClause:
        """The child table with its joins."""
        source = self.table
        for join in self.child_joins:
            source = source.outerjoin(join.table, join.on)
        return source

    def present(self) -> Condition:
        return self.around(self.value.present())


class ChildQuery:
    """The SELECT of one kind of child for a page's rows."""

    def __init__(self, children: Children, columns: Columns, own: int) -> None:
        self.children, self.columns, self.own = children, columns, own

    def statement(self) -> Select[Any]:
        """link, then the child's columns; `WHERE link IN (…)` is added by whoever runs it."""
        children = self.children
        order = (children.link, *children.order)
        return (
            select(children.link, *self.columns.selected)
            .select_from(children.rows())
            .where(children.where)
            .order_by(*order)
        )
