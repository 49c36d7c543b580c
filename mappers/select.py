"""The statements of a search: keys of all branches in one UNION ALL, rows of a branch, counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    cast,
    func,
    literal_column,
    null,
    select,
    union,
    union_all,
)
from sqlalchemy.types import String

from mappers.branch import Branch, Order
from mappers.from_clause import by_rest
from mappers.mapping import Part
from mappers.reader import Reader
from mappers.scope import PartScope
from mappers.sql import ALWAYS, NEVER, Condition, all_of, any_of, exact, one_of
from mappers.statement import Slots


@dataclass(frozen=True)
class After:
    """The shape of a cursor: which branch it stands in, which of its sort values are NULL, and the columns
    that the branch is ordered by where the search doesn't say.
    """

    branch: int
    nulls: tuple[bool, ...]
    by: tuple[str, ...] = ()


def source(branch: Branch, *wanted: Any) -> FromClause:
    """The branch's FROM: base table, needed joins, and its key sets as joined unions."""
    found = branch.scopes[0].source(*wanted)
    for number, keys in enumerate(branch.key_sets):
        selects = [s.with_only_columns(next(iter(s.selected_columns)).label("k")) for s in keys.selects]
        joined = union(*selects).subquery(f"keys{number}")
        found = found.join(joined, joined.c.k == keys.own)
    return found


def page_of_keys(
    branch: Branch, number: int, slots: Slots, after: After | None, columns: Sequence[ColumnElement[Any]]
) -> Select[Any]:
    """columns…, mask, sort values…: the branch's rows in order, after the cursor, up to :limit."""
    sorts = [o.expression for o in branch.orders if o.expression is not None]
    where = list(branch.where)
    if after is not None:
        where.append(beyond(branch, number, slots, after))
    kept = [_with_rest(branch.parts[0], columns, c) for c in where if c is not ALWAYS]
    shown = [*columns, branch.mask.label("mask"), *(_shown(o) for o in branch.orders)]
    statement = select(*shown).select_from(source(branch, *columns, *kept, *sorts, branch.mask)).where(*kept)
    return statement.order_by(*ordering(branch)).limit(slots.named("limit"))


def _with_rest(part: Part, columns: Sequence[ColumnElement[Any]], condition: Condition) -> Condition:
    """The condition as it is cheapest: the rest is asked where it comes with the row anyway."""
    comes = any(getattr(c, "table", None) is part.rest for c in columns)
    return by_rest(part, condition) if comes else condition


def _shown(order: Order) -> ColumnElement[Any]:
    return order.expression if order.expression is not None else null()


def ordering(branch: Branch) -> list[ColumnElement[Any]]:
    """Sort values, then the native key in the direction of the last of them (else no index serves)."""
    found = [
        o.expression.desc() if o.descending else o.expression.asc()
        for o in branch.orders
        if o.expression is not None
    ]
    return [*found, branch.key.desc() if key_descends(branch) else branch.key.asc()]


def key_descends(branch: Branch) -> bool:
    """Whether the native key is ordered downwards."""
    return bool(branch.orders) and branch.orders[-1].descending


def beyond(branch: Branch, number: int, slots: Slots, after: After) -> Condition:
    """Rows after the cursor. In earlier branches ties are over, in later ones they are still to come.

    Of a search without an order all rows are ties, but for those of the cursor's own branch.
    """
    if number == after.branch:
        return _beyond(branch.orders, 0, slots, after, _tie(branch, slots))
    tie = NEVER if number < after.branch else ALWAYS
    return _beyond(branch.orders, 0, slots, after, tie) if branch.query.sort else tie


def _tie(branch: Branch, slots: Slots) -> Condition:
    """Rows of equal sort values after the cursor's; its own row again if it may have further parts."""
    key = slots.named("after_key")
    later = branch.key < key if key_descends(branch) else branch.key > key
    if len(branch.parts) == 1:
        return later
    return any_of(later, branch.key == (key if branch.parts[0].id.numeric else exact(key)))


def _beyond(orders: Sequence[Order], i: int, slots: Slots, after: After, tie: Condition) -> Condition:
    if i == len(orders):
        return tie
    order, value = orders[i], slots.named(f"after_{i}")
    rest = _beyond(orders, i + 1, slots, after, tie)
    if order.expression is None:
        return _beyond_null(after.nulls[i], order.descending, rest)
    later, same = _later(order, order.expression, value, after.nulls[i])
    strict = any_of(later, all_of(same, rest))
    return strict if i or after.nulls[i] else all_of(any_of(later, same), strict)


def _beyond_null(cursor_is_null: bool, descending: bool, rest: Condition) -> Condition:
    """This branch's value is always NULL, which comes first upwards and last downwards."""
    if cursor_is_null:
        return rest
    return ALWAYS if descending else NEVER


def _later(order: Order, e: ColumnElement[Any], value: Any, is_null: bool) -> tuple[Condition, Condition]:
    if is_null:
        there = ALWAYS if not order.nullable else _is_null(e).is_not(None)
        return NEVER if order.descending else there, _is_null(e).is_(None) if order.nullable else NEVER
    if not order.descending:
        return e > value, e == value
    return (any_of(e < value, e.is_(None)) if order.nullable else e < value), e == value


def union_of_keys(
    branches: Sequence[tuple[int, Branch]],
    slots: Slots,
    after: After | None,
    collation: str,
    along: Sequence[ColumnElement[Any]] = (),
) -> Select[Any]:
    """branch, int key, text key, mask, sort values… of all branches, in order, up to :limit.

    `along`: columns of the first branch, whose rows come before them (those of others have NULL there).
    """
    unify([b for _, b in branches], collation)
    if len(branches) == 1 and not along:
        return _keys_alone(*branches[0], slots, after, collation)
    selects: list[Select[Any]] = []
    for number, branch in branches:
        inner = page_of_keys(branch, number, slots, after, [branch.key.label("key_")]).subquery(f"b{number}")
        key, mask, *sorts = inner.c
        selects.append(
            select(
                *_place(number, branch, key, collation),
                mask.label("m"),
                *(s.label(f"s{i}") for i, s in enumerate(sorts)),
                *((key if not selects else null()).label("own") for _ in along[:1]),
            )
        )
    first, found = branches[0][1], union_all(*selects).subquery("u")
    keys_page = select(*found.c).order_by(*_united(first, found)).limit(slots.named("limit"))
    return _with_rows(first, keys_page.subquery("page"), along) if along else keys_page


def _keys_alone(
    number: int, branch: Branch, slots: Slots, after: After | None, collation: str
) -> Select[Any]:
    """The keys of one branch, in the same columns: nothing has to be brought together."""
    return page_of_keys(branch, number, slots, after, _place(number, branch, branch.key, collation))


def _place(number: int, branch: Branch, key: ColumnElement[Any], collation: str) -> list[ColumnElement[Any]]:
    """branch, int key, text key."""
    numeric = branch.parts[0].id.numeric
    keys = (key, null()) if numeric else (null(), _collated(key, collation))
    return [literal_column(str(number)).label("b"), keys[0].label("ki"), keys[1].label("kt")]


def _united(first: Branch, found: FromClause) -> list[ColumnElement[Any]]:
    """The order of united keys: sort values, branches, native keys."""
    orders, down = first.orders, key_descends(first)
    sorts = [
        found.c[f"s{i}"].desc() if o.descending else found.c[f"s{i}"].asc() for i, o in enumerate(orders)
    ]
    return [*sorts, found.c.b, *(k.desc() if down else k.asc() for k in (found.c.ki, found.c.kt))]


def _with_rows(first: Branch, page: FromClause, along: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """A page of keys with the first branch's rows, which would else take a statement of their own."""
    scope = first.scopes[0]
    source = scope.joined(page.outerjoin(scope.base, first.key == page.c.own), *along)
    told = [c for c in page.c if c.name != "own"]
    return select(*along, *told).select_from(source).order_by(*_united(first, page))


def _is_null(e: ColumnElement[Any]) -> ColumnElement[Any]:
    """An expression to be asked for NULL: of a NOT NULL date that is zero, MySQL says that it is NULL."""
    return func.coalesce(e, null()) if getattr(e, "nullable", True) is False else e


def unify(branches: Sequence[Branch], collation: str) -> None:
    """Makes a sort value mean the same in all branches: where one has texts, all have texts of one collation.

    It is ordered, compared with the cursor and united in this form, or else the pages of a branch and those
    of the union would disagree.
    """
    for i in range(len(branches[0].orders)):
        told = [e for b in branches if (e := b.orders[i].expression) is not None]
        if any(isinstance(e.type, String) for e in told):
            for branch in branches:
                order = branch.orders[i]
                if order.expression is not None:
                    branch.orders[i] = replace(order, expression=_as_text(order.expression, collation))


def _as_text(value: ColumnElement[Any], collation: str) -> ColumnElement[Any]:
    """The value as text, in the collation if it hasn't that already (then an index may serve)."""
    if isinstance(value.type, String) and (not collation or _is_cdss(getattr(value, "table", None))):
        return value
    return _collated(value, collation)


def _is_cdss(table: Any) -> bool:
    """Whether a table (or what an alias stands for) is in the schema whose collation each session has."""
    while hasattr(table, "element"):
        table = table.element
    return table is not None and table.schema is None


def _collated(value: ColumnElement[Any], collation: str) -> ColumnElement[Any]:
    text = value if isinstance(value.type, String) else cast(value, String())
    return text.collate(collation) if collation else text


def rows_by_key(scope: PartScope, reader: Reader, slots: Slots, count: int) -> Select[Any]:
    """The rows of `count` keys (:key0 …), with everything the reader needs."""
    keys = [slots.named(f"key{i}") for i in range(count)]
    columns = reader.columns.selected
    return select(*columns).select_from(scope.source(*columns)).where(one_of(scope.part.id.column, keys))


def counted(branch: Branch, bound: Any = None) -> Select[Any]:
    """How many resources match; with a bound, counted up to it only."""
    where = branch.where
    inner = select(branch.mask.label("m")).select_from(source(branch, *where, branch.mask)).where(*where)
    if bound is not None:
        inner = inner.limit(bound)
    if len(branch.parts) == 1:
        return select(func.count()).select_from(inner.subquery())
    rows = inner.subquery()
    bits = [_bit(rows.c.m, i) for i in range(len(branch.parts))]
    total = bits[0]
    for bit in bits[1:]:
        total = total + bit
    # written out: for a bound 0, a MySQL that prepares the statement answers a number of thirty decimals
    return select(func.coalesce(func.sum(total), literal_column("0")))


def _bit(mask: ColumnElement[Any], i: int) -> ColumnElement[Any]:
    return mask.op(">>")(literal_column(str(i))).op("&")(literal_column("1"))
