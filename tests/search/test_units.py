"""Units in statements: what our own tables call them is written out, what a client calls them is bound."""

import pytest

from mappers.parse import Parser
from mappers.query import UNRESTRICTED, SearchQuery
from terminology.systems import UCUM
from tests.facade.facade import Facade
from tests.search.asking import found


@pytest.mark.parametrize("unit", ["') OR 1=1 -- ", "it's", "%s", "{50%}", '\\"', "\\'", ":t0", "?"])
async def test_a_unit_that_only_a_client_knows_is_bound(facade: Facade, unit: str) -> None:
    engine = facade.service.engine
    parser = Parser(engine.mappings, engine.site)
    asked = parser.condition("Observation", "value-quantity", f"gt0|{UCUM}|{unit}")
    terms = list(asked.flat())
    plan = engine.plans.plan(SearchQuery("Observation", (asked,)), None, UNRESTRICTED, by_post=False)
    assert plan.statement is not None
    parameters = plan.statement.parameters(terms, {"limit": 10})
    assert unit in parameters
    assert f"'{unit}'" not in plan.statement.sql
    assert not await engine.database.fetch(plan.statement.sql, parameters)


async def test_a_number_is_found_in_each_unit_that_compares_with_it(facade: Facade) -> None:
    told = [
        await found(facade, "Observation", "value-quantity", f"gt{number}|{UCUM}|{unit}")
        for number, unit in (("100", "mg/dL"), ("1", "g/L"), ("0.1", "g/dL"), ("1000000", "ug/L"))
    ]
    assert told.count(told[0]) == len(told)
    over = {
        r["id"]
        for r in await facade.all("Observation")
        if (value := r.get("valueQuantity", {})).get("code") == "mg/dL" and value["value"] > 100
    }
    assert over
    assert over <= told[0]
