"""The server's own database access, which also counts the rows that each statement reads."""

from __future__ import annotations

from typing import Any

from fhir_facade.inspection import indexes
from fhir_facade.registry import everything
from fhir_facade.settings import Settings
from mappers.database import MySql, MySqlSettings, Rows, _run
from mappers.engine import Engine
from mappers.parse import Parser
from mappers.query import SearchQuery, Sort
from mappers.site import Site
from tests.services.database import DatabaseServer

READS = "SHOW SESSION STATUS LIKE 'Handler_read%%'"
MAPPINGS, SITE = everything(), Site()


class Counting(MySql):
    """`read` rows so far, index entries and rows alike; `warnings` by SQL; `indexes` there."""

    def __init__(self, server: DatabaseServer) -> None:
        login = server.facade
        super().__init__(MySqlSettings(port=server.port, user=login.name, password=login.password, pool=1))
        self.read = 0
        self.warnings: dict[str, str] = {}
        with server.engine(login).connect() as connection:
            self.indexes = indexes(connection, Settings.from_environment(server.environment())).in_order

    async def _fetch(self, sql: str, parameters: tuple[Any, ...]) -> Rows:
        connection, _ = await self._connection()
        before = await _reads(connection)
        rows = await _run(connection, sql, parameters)
        for _level, _code, message in await _run(connection, "SHOW WARNINGS", ()):
            self.warnings[sql] = str(message)
        self.read += await _reads(connection) - before
        self._free.append(connection)
        return rows


async def _reads(connection: Any) -> int:
    return sum(int(value) for _, value in await _run(connection, READS.replace("%%", "%"), ()))


def engine_of(database: Counting) -> Engine:
    """An engine that reads by way of the counter, and knows the indexes that are there."""
    return Engine(MAPPINGS, database, SITE, indexes=database.indexes)


def query(search: str) -> SearchQuery:
    """`Type?name=value&…&_sort=…` as a query."""
    resource_type, _, rest = search.partition("?")
    pairs = [tuple(p.split("=", 1)) for p in rest.split("&") if p]
    parser = Parser(MAPPINGS, SITE, by_post=True)
    where = tuple(parser.condition(resource_type, n, v) for n, v in pairs if n != "_sort")
    sorts = tuple(Sort(v.removeprefix("-"), v.startswith("-")) for n, v in pairs if n == "_sort")
    return SearchQuery(resource_type, where, sorts)
