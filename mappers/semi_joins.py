"""An OR of conditions as few semi-joins, and as one key set where it is one: else no index would serve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import FromClause, ScalarSelect, Select, select
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList
from sqlalchemy.sql.operators import eq, in_op, or_
from sqlalchemy.sql.schema import Column as TableColumn
from sqlalchemy.sql.selectable import SelectStatementGrouping

from mappers.sql import (
    ALWAYS,
    Alternative,
    Condition,
    KeySet,
    any_of,
    bare,
    exact,
    is_always,
    is_never,
    plain,
)
from mappers.value import Column


def merged(alternatives: Sequence[Alternative]) -> Alternative:
    """OR; key sets of one own column become one."""
    if any(is_always(a) for a in alternatives):
        return ALWAYS
    kept = _gathered([a for a in alternatives if not is_never(a)])
    sets = [s for s in map(_as_keys, kept) if s is not None] if len(kept) > 1 else []
    if len(sets) != len(kept) or len({id(s.own) for s in sets}) != 1:
        return kept[0] if len(kept) == 1 else any_of(*(plain(a) for a in kept))
    loose = any(not isinstance(a, KeySet) or a.exactly is not None for a in kept)
    exactly = any_of(*(plain(a) for a in kept)) if loose else None
    return KeySet(sets[0].own, tuple(s for k in sets for s in k.selects), exactly)


def _gathered(alternatives: Sequence[Alternative]) -> list[Alternative]:
    """Semi-joins from one column onto one table become one: a server plans each sub-select by itself, and
    many of them take it seconds and gigabytes.
    """
    semi = {i: found for i, a in enumerate(alternatives) if (found := semi_join(a)) is not None}
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, (own, target, source, _) in semi.items():
        groups.setdefault((id(own), id(target), id(source)), []).append(i)
    whole: dict[int, Alternative] = {}
    for members in groups.values():
        own, target, source, _ = semi[members[0]]
        select_ = select(target).select_from(source).where(any_of(*(semi[i][3] for i in members)))
        whole[members[0]] = own.in_(select_.correlate(None))
    return [whole.get(i, a) for i, a in enumerate(alternatives) if i not in semi or i in whole]


class SemiJoin(NamedTuple):
    """`own IN (SELECT target FROM source WHERE condition)`."""

    own: Column
    target: Column
    source: FromClause
    condition: Condition

    @property
    def is_equal(self) -> bool:
        """Whether it only asks for what equals one of some values."""
        found = bare(self.condition)
        asked = found.clauses if isinstance(found, BooleanClauseList) and found.operator is or_ else [found]
        return all(isinstance(a, BinaryExpression) and isinstance(a.right, exact) for a in asked)


def semi_join(alternative: Alternative) -> SemiJoin | None:
    """The semi-join that a condition is; None if it is anything else."""
    if not isinstance(alternative, BinaryExpression) or alternative.operator is not in_op:
        return None
    found = getattr(alternative.right, "element", None)
    if not isinstance(found, Select) or found.whereclause is None:
        return None
    columns, sources = list(found.selected_columns), found.get_final_froms()
    if len(columns) != 1 or len(sources) != 1:
        return None
    return SemiJoin(alternative.left, columns[0], sources[0], found.whereclause)


def _as_keys(alternative: Alternative) -> KeySet | None:
    """`own IN (SELECT …)` and `own = value` as key sets: as an OR of them no index would serve."""
    if isinstance(alternative, KeySet):
        return alternative
    if not isinstance(alternative, BinaryExpression) or not isinstance(alternative.left, TableColumn):
        return None
    own, right = alternative.left, alternative.right
    if alternative.operator is in_op and isinstance(right, SelectStatementGrouping | ScalarSelect):
        return KeySet(own, (right.element,)) if isinstance(right.element, Select) else None
    if alternative.operator is eq and isinstance(right, exact):
        return KeySet(own, (select(next(iter(right.clauses)).label("k")),))
    return None
