"""The tables are the hospital's: named, typed and indexed as there, on every kind of database."""

import datetime as dt

import pytest
from sqlalchemy import Connection, MetaData, Table, UniqueConstraint, inspect, select

import mappers.cdss.tables
import mappers.column_types
import mappers.openemr.tables
from mappers.cdss.tables import CDSS
from mappers.column_types import temporal_text
from mappers.demo.loading import load
from mappers.demo.rows import complete
from mappers.openemr.tables import OPENEMR, form_encounter, lists
from tests.services.database import DatabaseServer

TABLES = [*CDSS.sorted_tables, *OPENEMR.sorted_tables]


@pytest.mark.parametrize("table", CDSS.sorted_tables, ids=lambda table: table.name)
def test_cdss_columns_are_indexed_only_as_django_does(table: Table) -> None:
    indexed = {tuple(column.name for column in index.columns) for index in table.indexes}
    expected = {(c.name,) for c in table.columns if c.foreign_keys or c.unique}
    unique_constraints = {
        tuple(c.name for c in constraint.columns)
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    }
    assert indexed | unique_constraints == expected
    assert len(table.primary_key) == 1


@pytest.mark.parametrize(
    ("module", "metadata"),
    [(mappers.cdss.tables, CDSS), (mappers.openemr.tables, OPENEMR)],
    ids=["cdss", "openemr"],
)
def test_every_table_has_a_constant_of_its_name(module: object, metadata: MetaData) -> None:
    for table in metadata.sorted_tables:
        assert getattr(module, table.name) is table


def test_openemr_has_no_foreign_keys_and_no_secrets() -> None:
    assert not any(table.foreign_keys for table in OPENEMR.sorted_tables)
    assert not {"password", "login"} & {c.name for table in OPENEMR.sorted_tables for c in table.columns}


def test_no_statement_leaves_the_cdss_schema_unless_it_names_openemr() -> None:
    assert {table.schema for table in CDSS.sorted_tables} == {None}
    assert {table.schema for table in OPENEMR.sorted_tables} == {"openemr"}


def test_both_schemas_can_be_created_on_sqlite(empty: Connection) -> None:
    inspector = inspect(empty)
    assert set(inspector.get_table_names()) == {table.name for table in CDSS.sorted_tables}
    assert set(inspector.get_table_names("openemr")) == {table.name for table in OPENEMR.sorted_tables}


def test_zero_dates_come_back_as_they_were_bound(empty: Connection) -> None:
    zero = "0000-00-00 00:00:00"
    row = complete(form_encounter, {"id": 1, "date": zero, "last_update": zero})
    load(empty, [(form_encounter, row)])
    assert empty.execute(select(form_encounter)).mappings().one() == row


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (dt.datetime(2025, 1, 2, 3, 4, 5), "2025-01-02 03:04:05"),
        (dt.datetime(2025, 1, 2, 3, 4, 5, 6), "2025-01-02 03:04:05.000006"),
        (dt.date(2025, 1, 2), "2025-01-02"),
        (dt.timedelta(hours=9, minutes=5), "09:05:00"),
        (dt.timedelta(hours=-100, seconds=-1), "-100:00:01"),
        ("0000-00-00", "0000-00-00"),
        (None, None),
    ],
)
def test_what_a_driver_made_of_a_date_becomes_text_again(given: object, text: str | None) -> None:
    assert temporal_text(given) == text


def test_a_server_gives_dates_as_text_too(server: DatabaseServer) -> None:
    with server.engine().connect() as connection:
        row = connection.execute(select(lists.c.date, lists.c.modifydate).where(lists.c.id == 1)).one()
    assert tuple(map(type, row)) == (str, str)
    assert row.date == "2018-03-12 10:20:00"


def test_a_server_has_the_declared_columns_and_no_index_more(server: DatabaseServer) -> None:
    """PRIMARY and UNIQUE keys count as indexes there."""
    with server.engine(server.owner).connect() as connection:
        inspector = inspect(connection)
        for table in CDSS.sorted_tables:
            found = {tuple(index["column_names"]) for index in inspector.get_indexes(table.name)}
            expected = {(c.name,) for c in table.columns if c.foreign_keys or c.unique}
            assert found == expected, table.name
            assert {c["name"] for c in inspector.get_columns(table.name)} == set(table.columns.keys())


def test_statements_with_these_types_are_cached() -> None:
    types = {type(column.type) for table in TABLES for column in table.columns}
    assert all("cache_ok" in vars(kind) for kind in types if kind.__module__ == mappers.column_types.__name__)
