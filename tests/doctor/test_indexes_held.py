"""Which order the indexes of a real server yield, as its catalogue tells it."""

from collections.abc import Iterator

import pytest

from fhir_facade.inspection import indexes
from fhir_facade.settings import Settings
from tests.doctor.test_drift import changed
from tests.services.database import DatabaseServer

PROBE = ("cdss_db", "index_probe")
MADE = (
    "CREATE TABLE index_probe (id INT PRIMARY KEY, Code VARCHAR(64), made DATETIME, told TEXT, "
    "KEY by_code (Code, made), KEY by_text (made, told(10), id), KEY by_start (Code(3), made), "
    "FULLTEXT KEY words (told))"
)


@pytest.fixture
def probed(server: DatabaseServer) -> Iterator[None]:
    with changed(server, MADE, "DROP TABLE index_probe"):
        yield


@pytest.mark.usefixtures("probed")
def test_an_order_ends_before_what_is_held_in_part(server: DatabaseServer) -> None:
    settings = Settings.from_environment(server.environment())
    with server.engine().connect() as connection:
        held = indexes(connection, settings)
    assert sorted(held.in_order[PROBE]) == [(), (), ("code", "made"), ("id",), ("made",)]
    assert {("made", "told", "id"), ("code", "made"), ("told",)} <= set(held.every[PROBE])
