"""A master's codes are looked up first, and the search finds the same as with a sub-select for them."""

import pytest

from mappers.codes_first import FEW, codes_first
from mappers.database import Rows
from mappers.engine import Engine
from mappers.parse import Parser
from mappers.plans import Plan
from mappers.prepared import Sql
from mappers.query import UNRESTRICTED, SearchQuery
from mappers.statement import EACH, Slot, Statement
from mappers.terms import Term
from tests.facade.facade import Facade

GLUCOSE = "http://loinc.org|2345-7"
LABORATORY = ("category", "laboratory")


def _asked(engine: Engine, *pairs: tuple[str, str]) -> tuple[Statement, list[Term]]:
    parser = Parser(engine.mappings, engine.site)
    query = SearchQuery("Observation", tuple(parser.condition("Observation", *pair) for pair in pairs))
    plan: Plan = engine.plans.plan(query, None, UNRESTRICTED, by_post=False)
    assert plan.statement is not None
    return plan.statement, list(query.terms())


async def _rows(engine: Engine, statement: Statement, terms: list[Term]) -> Rows:
    return await engine.database.fetch(statement.sql, statement.parameters(terms, {"limit": 1000}))


@pytest.mark.parametrize(
    "code", [GLUCOSE, f"{GLUCOSE},http://loinc.org|2951-2", "GLU", "http://loinc.org|nothing"]
)
async def test_looked_up_keys_find_what_a_sub_select_finds(facade: Facade, code: str) -> None:
    engine = facade.service.engine
    statement, terms = _asked(engine, LABORATORY, ("code", code))
    first = await codes_first(engine.database, statement, terms)
    rows = await _rows(engine, first, terms)
    assert list(rows) == list(await _rows(engine, statement.with_keys({}), terms))
    assert bool(rows) is ("nothing" not in code)


async def test_the_keys_stand_in_the_statement_one_by_one(embedded: Facade) -> None:
    engine = embedded.service.engine
    statement, terms = _asked(engine, LABORATORY, ("code", GLUCOSE))
    [name] = statement.look_ups
    several = statement.with_keys({name: ["GLU", "NONE", "NA"]})
    assert "test_code IN (?, ?, ?)" in several.sql
    assert {"GLU", "NONE", "NA"} <= set(several.parameters(terms, {"limit": 1}))
    assert "test_code IN (?)" in statement.with_keys({name: []}).sql
    none = await _rows(engine, statement.with_keys({name: []}), terms)
    some = await _rows(engine, statement.with_keys({name: ["GLU"]}), terms)
    assert set(none) < set(some)  # OpenEMR's results have their codes beside them


def test_a_statement_with_keys_can_be_prepared() -> None:
    look_up = Statement(Sql.of("SELECT code FROM master"), ())
    asked = Sql.of(f"SELECT \x01resulted_at\x02 FROM result WHERE code IN (%s{EACH}) LIMIT %s")  # noqa: S608
    statement = Statement(asked, (Slot("keys"), Slot("limit")), {"keys": look_up})
    found = statement.with_keys({"keys": ["GLU", "NA"]})
    assert isinstance(found.sql, Sql)
    assert found.sql == "SELECT resulted_at FROM result WHERE code IN (%s, %s) LIMIT %s"
    assert (
        found.sql.prepared == "SELECT CAST(resulted_at AS CHAR) FROM result WHERE code IN (%s, %s) LIMIT %s"
    )
    assert found.parameters((), {"limit": 5}) == ("GLU", "NA", 5)


async def test_too_many_keys_stay_a_sub_select(embedded: Facade) -> None:
    database = embedded.service.engine.database
    many = " UNION ALL ".join(f"SELECT {i} AS k" for i in range(FEW + 1))
    for sql, there in ((many, True), (many.removesuffix(f" UNION ALL SELECT {FEW} AS k"), False)):
        statement = Statement(
            "SELECT 7 WHERE 7 IN (?/*each*/)", (Slot("keys"),), {"keys": Statement(sql, ())}
        )
        found = await codes_first(database, statement, ())
        assert (sql in found.sql) is there
        assert await database.fetch(found.sql, found.parameters((), {})) == [(7,)]


def test_a_patients_own_results_need_no_look_up(embedded: Facade) -> None:
    engine = embedded.service.engine
    statement, _ = _asked(engine, ("patient", "P-0001"), LABORATORY, ("code", GLUCOSE))
    assert not statement.look_ups
    assert "lis_labtestmaster" in statement.sql
