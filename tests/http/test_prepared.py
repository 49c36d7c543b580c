"""Statements that are prepared answer what their text does: to the letter, on both servers."""

from __future__ import annotations

from typing import Any

import pytest

from mappers.branch import has_order
from mappers.database import MySql, _run
from mappers.prepared import MOST, OFTEN, TERM, Often, Sql, fetched
from mappers.query import SearchQuery, Sort
from tests.facade.facade import Facade

Asked = dict[Sql, tuple[Any, ...]]
#: numbers to compare exactly, in units that compare
NUMBERS = ("5.4", "ne5.40", "lt0.1234567890123|http://unitsofmeasure.org|g/L", "ap98.6", "sa100||mg/dL")


@pytest.fixture(params=["on_mariadb", "on_mysql"])
def facade(request: pytest.FixtureRequest) -> Facade:
    """The facade over each of the servers in turn."""
    found: Facade = request.getfixturevalue(request.param)
    return found


async def asked_by(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What reading, searching, counting and sorting by every parameter asks, each statement once."""
    engine, found = facade.service.engine, Asked()
    fetch = engine.database.fetch

    async def kept(sql: str, parameters: tuple[Any, ...]) -> Any:
        if isinstance(sql, Sql):
            found.setdefault(sql, parameters)
        return await fetch(sql, parameters)

    monkeypatch.setattr(engine.database, "fetch", kept)
    parser = facade.service.parser(by_post=True)
    for resource_type, mapping in facade.service.mappings.items():
        await engine.page(SearchQuery(resource_type, sort=(Sort("_lastUpdated", True),)), 50)
        await engine.page(SearchQuery(resource_type), 500)
        await engine.total(SearchQuery(resource_type))
        for param in mapping.search_params:
            if param.example:
                condition = parser.condition(resource_type, param.name, param.example)
                await engine.page(SearchQuery(resource_type, (condition,)), 20, by_post=True)
                await engine.total(SearchQuery(resource_type, (condition,)), by_post=True)
            if has_order(mapping, param.name):
                await engine.page(SearchQuery(resource_type, sort=(Sort(param.name),)), 20)
    for number in NUMBERS:
        condition = parser.condition("Observation", "value-quantity", number)
        await engine.page(SearchQuery("Observation", (condition,)), 100)
    return found


async def test_a_prepared_statement_answers_what_its_text_does(
    facade: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await asked_by(facade, monkeypatch)
    database = facade.service.engine.database
    assert isinstance(database, MySql)
    connection = await database.connect(MOST)
    unfit = 0
    try:
        for sql, parameters in asked.items():
            told = await _run(connection, sql, parameters)
            for _ in range(2):  # the second answer is read by what the driver knows of the first
                prepared = await fetched(connection, sql, parameters)
                assert prepared is None or tuple(prepared) == tuple(told), sql
            unfit += prepared is None
    finally:
        connection.close()
    assert len(asked) > 200
    assert 0 < unfit < len(asked) / 10  # a vital sign is a FLOAT


async def test_what_is_asked_often_is_prepared(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    database = facade.service.engine.database
    monkeypatch.setattr(database, "_often", Often())
    count = "SHOW SESSION STATUS LIKE 'Com_stmt_execute'"
    answers = []
    for _ in range(OFTEN + 2):
        before = int((await database.fetch(count, ()))[0][1])
        answers.append((await facade.get("Observation/lab-1")).json())
        after = int((await database.fetch(count, ()))[0][1])
    assert after == before + 1
    assert all(answer == answers[0] for answer in answers)


def test_only_small_answers_are_worth_it_and_only_so_many() -> None:
    often, large, small = Often(), [(1,) * 40], [(1,)]
    for _ in range(OFTEN):
        often.answered("SELECT large", large)
        often.answered("SELECT small", small)
    assert often.chosen == {"SELECT small"}
    often.answered("SELECT small", large)
    assert not often.chosen
    for number in range(MOST + 5):
        for _ in range(OFTEN):
            often.answered(f"SELECT {number}", small)
    assert len(often.chosen) == MOST
    for _ in range(TERM):
        often.answered("SELECT large", large)
    assert not often.chosen


def test_what_was_unfit_once_is_not_tried_again() -> None:
    often = Often()
    often.unfit("SELECT floats")
    for _ in range(OFTEN * 3):
        often.answered("SELECT floats", [(1,)])
    assert not often.chosen
