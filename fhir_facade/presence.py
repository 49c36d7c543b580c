"""Which of many resources there are, for one caller, in few statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mappers.mapping import ResourceMapping
from mappers.query import Criterion, SearchQuery
from mappers.terms import Ref
from mappers.view import View

Resource = dict[str, Any]
#: ids that one search takes
MOST_IDS = 500


async def present(view: View, resource_type: str, ids: Sequence[str]) -> dict[str, Resource]:
    """Those of the ids that the view shows, with the resources; raises SourceDownError for a source away."""
    mapping = view.engine.mappings[resource_type]
    shown = await _at_hand(view, mapping, ids)
    left = [id_ for id_ in dict.fromkeys(ids) if id_ not in shown]
    resolved = [found for id_ in left if (found := mapping.resolve(id_)) is not None]
    terms = [Ref(resource_type, part.name, key) for part, key in resolved]
    for start in range(0, len(terms), MOST_IDS):
        some = terms[start : start + MOST_IDS]
        query = SearchQuery(resource_type, (Criterion("_id", tuple(some)),))
        page = await view.page(query, len(some), strict=True)
        shown |= {m["id"]: m for m in page.matches if isinstance(m, dict)}
    return shown


async def _at_hand(view: View, mapping: ResourceMapping, ids: Sequence[str]) -> dict[str, Resource]:
    """Those that no table holds."""
    if mapping.at_hand is None:
        return {}
    mine = [id_ for id_ in ids if mapping.at_hand.of_id(id_) is not None]
    found = [await view.read(mapping.resource_type, id_, strict=True) for id_ in mine]
    return {one["id"]: one for one in found if isinstance(one, dict)}
