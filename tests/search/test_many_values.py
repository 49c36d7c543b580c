"""Parameters with many values: answered, or refused by name."""

import pytest

from mappers.engine import Engine
from mappers.parse import Parser, SearchFault
from mappers.query import SearchQuery
from tests.mappings.conftest import engine

__all__ = ["engine"]


def _query(engine: Engine, resource_type: str, name: str, value: str) -> SearchQuery:
    parser = Parser(engine.mappings, engine.site)
    return SearchQuery(resource_type, (parser.condition(resource_type, name, value),))


async def test_two_hundred_codes_are_answered(engine: Engine) -> None:
    codes = ",".join(["GLU", *(f"unknown-{i}" for i in range(199))])
    page = await engine.page(_query(engine, "Observation", "code", codes), 5)
    assert [m["code"]["coding"][-1]["code"] for m in page.matches if isinstance(m, dict)] == ["GLU"] * 5


async def test_a_thousand_ids_are_answered(engine: Engine) -> None:
    ids = ",".join(f"lab-{i}" for i in range(1, 1001))
    page = await engine.page(_query(engine, "Observation", "_id", ids), 3)
    assert len(page.matches) == 3


async def test_more_values_are_refused_by_name(engine: Engine) -> None:
    with pytest.raises(SearchFault) as refused:
        _query(engine, "Observation", "code", ",".join(map(str, range(201))))
    assert (refused.value.code, refused.value.param) == ("too-costly", "code")


async def test_a_listed_code_of_another_system_is_not_found(engine: Engine) -> None:
    found = await engine.page(
        _query(engine, "Condition", "code", "http://hl7.org/fhir/sid/icd-10-cm|I10"), 50
    )
    other = await engine.page(_query(engine, "Condition", "code", "http://unknown.example|I10"), 50)
    assert found.matches
    assert not other.matches
