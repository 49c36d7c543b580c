"""`_explain`: how a search is done. For each branch the SQL, what each parameter reaches, the plan, the time.

No value of the query is shown: the statement has placeholders, and a plan says "const".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhir_facade.service import Service
from mappers.codes_first import codes_first
from mappers.explain import BranchExplained, Reached, Step, explain, plan, timed
from mappers.query import SearchQuery
from mappers.view import View

Resource = dict[str, Any]
#: keys that each branch is asked for, as a first page of 50 would
LIMIT = 51


async def explained(service: Service, queries: Sequence[SearchQuery], by_post: bool) -> Resource:
    """Parameters that tell of each branch; raises SourceDownError where a source can't be asked."""
    view = service.searching
    branches = [(q, b) for q in queries for b in explain(view, q, by_post)]
    parameters = [await _branch(view, query, branch) for query, branch in branches]
    nothing = _text("note", "no source can match: nothing is asked")
    return {"resourceType": "Parameters", "parameter": parameters or [nothing]}


async def _branch(view: View, query: SearchQuery, branch: BranchExplained) -> Resource:
    database = view.database
    terms = [*query.terms(), *view.access.terms]
    statement = await codes_first(database, branch.statement, terms)
    values = statement.parameters(terms, {"limit": LIMIT})
    steps = await plan(database, statement, values)
    rows, milliseconds = await timed(database, statement, values)
    parts = [
        _text("type", query.resource_type),
        _text("source", branch.source),
        *(_text("resource", p) for p in branch.parts),
        _text("sql", statement.sql),
        *(_reached(r) for r in branch.reached),
        *(_text("access", a) for a in branch.access or ("no condition: access is not restricted",)),
        *(_step(s) for s in steps),
        {"name": "rows", "valueInteger": rows},
        {"name": "milliseconds", "valueDecimal": round(milliseconds, 3)},
    ]
    return {"name": "branch", "part": parts}


def _text(name: str, value: str) -> Resource:
    return {"name": name, "valueString": value}


def _reached(reached: Reached) -> Resource:
    columns = [_text("column", c) for c in reached.columns]
    return {"name": "parameter", "part": [_text("name", reached.condition), *columns]}


def _step(step: Step) -> Resource:
    said = [("table", step.table), ("access", step.access), ("index", step.index), ("note", step.note)]
    parts = [_text(name, value) for name, value in said if value]
    if step.rows is not None:
        parts.append({"name": "rows", "valueInteger": step.rows})
    return {"name": "plan", "part": parts}
