"""Asking the server, and comparing with the oracle."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from mappers.query import SearchQuery
from tests.facade.facade import BASE, Facade
from tests.search.harvest import Question, questions
from tests.search.oracle import Oracle, bound_systems, parameter

EVERYTHING = 100_000


async def oracle_of(facade: Facade) -> Oracle:
    """An oracle that has read every resource of every type."""
    mappings = facade.service.mappings
    resources = {name: await facade.all(name) for name in mappings}
    return Oracle(mappings, resources, facade.settings.site_timezone, BASE)


async def found(facade: Facade, resource_type: str, name: str, value: str) -> set[str]:
    """The ids that the server's own search finds, all on one page; twice found is a failure."""
    parser, engine = facade.service.parser(by_post=True), facade.service.engine
    query = SearchQuery(resource_type, (parser.condition(resource_type, name, value),))
    page = await engine.page(query, EVERYTHING, strict=True, by_post=True)
    ids = [m["id"] for m in page.matches if isinstance(m, dict)]
    assert len(ids) == len(set(ids)), f"{resource_type}?{name}={value} finds something twice"
    return set(ids)


def asked(oracle: Oracle, resource_type: str, param: str) -> list[Question]:
    """What to ask of one parameter."""
    mapping = oracle.mappings[resource_type]
    kind, _ = parameter(mapping, param)
    values = [v for found in oracle.values(resource_type, param) for v in found if _is_served(oracle, v)]
    bound = bound_systems(resource_type, param, mapping)
    own = list(questions(kind, param, values, bound))
    declared = mapping.params.get(param)
    return own + ([(param, declared.example)] if declared and declared.example else [])


async def differences(facade: Facade, oracle: Oracle, resource_type: str, asked: list[Question]) -> list[str]:
    """The searches of which the server finds too much or too little, told with both."""
    told = []
    for name, value in asked:
        expected = oracle.find(resource_type, name, value)
        actual = await found(facade, resource_type, name, value)
        if actual != expected:
            more, less = sorted(actual - expected)[:4], sorted(expected - actual)[:4]
            told.append(f"{resource_type}?{name}={quote(value, safe=':/|,$')} too many {more} too few {less}")
    return told


def _is_served(oracle: Oracle, value: Any) -> bool:
    """Whether a value is no reference, or one to a type that is served."""
    reference = value.get("reference", "") if isinstance(value, dict) else ""
    return not reference or reference.partition("/")[0] in oracle.mappings
