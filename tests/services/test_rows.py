"""The tables as declared exist on both kinds of server, and take what real tables hold."""

from sqlalchemy import inspect, text

from mappers.cdss.tables import CDSS
from mappers.openemr.tables import OPENEMR
from tests.services.database import DatabaseServer
from tests.services.rows import create_tables, owner_engine


def test_both_schemas_tables_can_be_made(server: DatabaseServer) -> None:
    create_tables(server, CDSS, OPENEMR)
    found = inspect(owner_engine(server))
    assert {table.name for table in CDSS.sorted_tables} <= set(found.get_table_names("cdss_db"))
    assert {table.name for table in OPENEMR.sorted_tables} <= set(found.get_table_names("openemr"))


def test_the_owner_writes_in_utc_and_may_write_zero_dates(server: DatabaseServer) -> None:
    with owner_engine(server).connect() as connection:
        zone, mode = connection.execute(text("SELECT @@time_zone, @@sql_mode")).one()
    assert (zone, mode) == ("+00:00", "")


def test_a_session_that_states_no_zone_is_in_the_sites(server: DatabaseServer) -> None:
    with owner_engine(server).connect() as connection:
        assert connection.execute(text("SELECT @@GLOBAL.time_zone")).scalar_one() == "+09:00"
