"""`_explain`: how a search is done. For each branch the SQL, what each parameter reaches, the slots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhir_facade.service import Service
from mappers.explain import BranchExplained, explain
from mappers.query import SearchQuery

Resource = dict[str, Any]


def explained(service: Service, queries: Sequence[SearchQuery], by_post: bool) -> Resource:
    """Parameters that tell of each branch; values are never shown, only what they are bound to."""
    branches = [b for q in queries for b in explain(service.engine, q, by_post)]
    return {"resourceType": "Parameters", "parameter": [_branch(b) for b in branches]}


def _branch(branch: BranchExplained) -> Resource:
    parts = [("source", branch.source), ("sql", branch.sql), *(("column", c) for c in branch.columns)]
    parts += [("resource", p) for p in branch.parts]
    return {"name": "branch", "part": [{"name": n, "valueString": v} for n, v in parts]}
