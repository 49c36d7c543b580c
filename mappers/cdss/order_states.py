"""What an order and its lines say of their state together, where others write only one of them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, and_, case, exists

from mappers.cdss.tables import ocs_order, ocs_orderitem
from mappers.mapping import Join
from mappers.sql import any_of, negate, one_of, word
from mappers.value import Cells, Columns, Read, Value, Writing
from mappers.values import Code, FirstOf, Fixed, When
from mappers.values.conditions import Sides

#: what was taken back, before it was done or while it was
WITHDRAWN = ("cancelled", "stopped")
#: what has ended goes no other way
ENDED = ("completed", *WITHDRAWN)
#: an order that isn't given yet, or waits, or has ended: nobody acts on its lines
HELD_BACK = ("draft", "on_hold", *ENDED)


def withdrawn(rows: FromClause) -> ColumnElement[bool]:
    """An order or a line that was taken back."""
    return one_of(word(rows.c.status), WITHDRAWN)


def _has_line(order: FromClause, line: FromClause, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    found = exists().where(line.c.order_id == order.c.order_id, *conditions)
    return found.correlate_except(line)


def owner(item: FromClause) -> Join:
    """The order of a line."""
    table = ocs_order.alias("order_of_item")
    return Join(table, table.c.order_id == item.c.order_id)


def still_told(item: FromClause, order: FromClause) -> ColumnElement[bool]:
    """A line that is ordered, or was: not one that was taken back alone."""
    live = ocs_orderitem.alias("live_item")
    alone = _has_line(item, live, negate(withdrawn(live)))
    return any_of(negate(withdrawn(item)), withdrawn(order), ~alone)


def _taken_back() -> Sides:
    """An order that goes on by its own word, and of which every line was taken back."""
    line, live = ocs_orderitem.alias("any_line"), ocs_orderitem.alias("live_line")
    condition = and_(
        negate(one_of(word(ocs_order.c.status), ENDED)),
        _has_line(ocs_order, line),
        ~_has_line(ocs_order, live, negate(withdrawn(live))),
    )
    told = case((condition, 1), else_=0)

    def test(columns: Columns) -> Read:
        place = columns.at(told)
        return lambda row: bool(row[place])

    return condition, test


class OrderStatus(FirstOf):
    """An order's own word, unless all that it asks for was taken back."""

    def __init__(self, *values: Value) -> None:
        super().__init__(*values)
        self.own = values[-1]

    @classmethod
    def over(cls, word_of_order: Code) -> OrderStatus:
        """The status of orders whose own word that is."""
        return cls(When(*_taken_back(), Fixed("revoked", "Code")), word_of_order)

    def sort_key(self) -> ColumnElement[str] | None:
        return self.own.sort_key()

    def written(self, said: object, w: Writing) -> Cells | None:
        return self.own.written(said, w)
