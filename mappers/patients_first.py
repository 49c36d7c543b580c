"""Chains that lead to a patient: who is meant is found first, and then looked for by key.

A condition on a patient spans two databases and many columns; repeated in every branch of a search it costs
a server more to plan than to run. A few patients' keys cost nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mappers.query import (
    Access,
    AllOf,
    AnyOf,
    Chained,
    Condition,
    Criterion,
    Has,
    NotAbout,
    ReleasedTo,
    SearchQuery,
)
from mappers.terms import Ref

if TYPE_CHECKING:
    from mappers.engine import Engine

#: more patients than this are left to the database, as a join
FEW = 64


async def patients_first(engine: Engine, query: SearchQuery, access: Access, by_post: bool) -> SearchQuery:
    """The query with chains to few patients replaced by references to them; the gate is asked too."""
    if all(isinstance(c, Criterion) for c in query.where):
        return query
    where = [await _resolved(engine, c, access, by_post) for c in query.where]
    return replace(query, where=tuple(where))


async def _resolved(engine: Engine, condition: Condition, access: Access, by_post: bool) -> Condition:
    if isinstance(condition, AllOf | AnyOf):
        inner = [await _resolved(engine, c, access, by_post) for c in condition.conditions]
        return replace(condition, conditions=tuple(inner))
    if isinstance(condition, Criterion | NotAbout | ReleasedTo):
        return condition
    within = await _resolved(engine, condition.condition, access, by_post)
    if isinstance(condition, Has) or condition.target_type != "Patient":
        return replace(condition, condition=within)
    return await _as_references(engine, replace(condition, condition=within), access, by_post)


async def _as_references(engine: Engine, chained: Chained, access: Access, by_post: bool) -> Condition:
    found = await engine.keys(SearchQuery("Patient", (chained.condition,)), FEW + 1, access, by_post)
    if len(found) > FEW:
        return chained
    by_part: dict[str, list[Ref]] = {}
    for part, key in found:
        by_part.setdefault(part, []).append(Ref("Patient", part, key))
    refs = [ref for part in sorted(by_part) for ref in _padded(by_part[part])]
    return Criterion(chained.param, tuple(refs) or (Ref("Patient", None),))


def _padded(refs: list[Ref]) -> list[Ref]:
    """Repeated to the next power of two, so that few statements serve all numbers of patients."""
    last, size = refs[-1], 1 << max(len(refs) - 1, 0).bit_length()
    return refs + [replace(last) for _ in range(size - len(refs))]
