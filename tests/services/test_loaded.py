"""The demo hospital and the awkward rows are in both kinds of server, with what real tables hold."""

from collections import Counter
from itertools import chain

from sqlalchemy import func, select

from mappers.demo.awkward import awkward_rows
from mappers.demo.hospital import demo_rows
from tests.services.database import DatabaseServer


def test_every_row_is_there(server: DatabaseServer) -> None:
    expected = Counter(table for table, _ in chain(demo_rows(), awkward_rows()))
    with server.engine().connect() as connection:
        found = {table: connection.scalar(select(func.count()).select_from(table)) for table in expected}
    assert found == expected


def test_a_session_that_states_no_zone_is_in_the_sites(server: DatabaseServer) -> None:
    with server.engine().connect() as connection:
        assert connection.exec_driver_sql("SELECT @@time_zone").scalar_one() == "+09:00"
