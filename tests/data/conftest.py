"""A SQLite with the demo hospital and the awkward rows in it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine

from mappers.demo import awkward_rows, create_schemas, demo_rows, load


@pytest.fixture
def empty() -> Iterator[Connection]:
    """Both schemas without rows, gone after the test."""
    with create_engine("sqlite://").connect() as connection:
        connection.exec_driver_sql("ATTACH ':memory:' AS openemr")
        create_schemas(connection)
        yield connection


@pytest.fixture
def filled(empty: Connection) -> Connection:
    """Both schemas with all demo and awkward rows."""
    load(empty, demo_rows())
    load(empty, awkward_rows())
    return empty
