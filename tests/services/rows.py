"""Tables and rows in a test server, written by its owner as the hospital's own applications write them."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine, MetaData, Table, create_engine, event
from sqlalchemy.pool import NullPool

from tests.services.database import DatabaseServer

Row = tuple[Table, dict[str, Any]]

# Without strictness zero dates go in; TIMESTAMP columns take UTC; rows come in any order.
SESSION = "SET sql_mode = '', time_zone = '+00:00', foreign_key_checks = 0"


def owner_engine(server: DatabaseServer) -> Engine:
    """An engine of the owner's, which may write zero dates and make tables in both schemas."""
    engine = create_engine(server.url(server.owner), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def lenient(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(SESSION)

    return engine


def create_tables(server: DatabaseServer, *metadata: MetaData) -> None:
    """Makes the tables that aren't there yet."""
    for tables in metadata:
        tables.create_all(owner_engine(server))


def insert(server: DatabaseServer, rows: Iterable[Row]) -> None:
    """Writes rows, all of a table at once."""
    of_table: dict[Table, list[dict[str, Any]]] = {}
    for table, row in rows:
        of_table.setdefault(table, []).append(row)
    with owner_engine(server).begin() as connection:
        for table, its_rows in of_table.items():
            connection.execute(table.insert(), its_rows)
