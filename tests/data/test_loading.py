"""Loading writes what it is given, in chunks, and leaves the session as it was."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from mappers.cdss.tables import alert_rule, fhir_synclog
from mappers.demo import Row, load
from mappers.demo.loading import chunks, openemr_session
from mappers.demo.rows import complete
from tests.services.database import DatabaseServer


def rule(number: int) -> Row:
    return alert_rule, complete(alert_rule, {"id": number, "name": f"Rule {number}"})


def test_loading_answers_how_many_rows_it_wrote(empty: Connection) -> None:
    assert load(empty, (rule(number) for number in range(1, 4502))) == 4501
    assert empty.scalar(select(func.count()).select_from(alert_rule)) == 4501


def test_chunks_hold_rows_of_one_table_only() -> None:
    log = (fhir_synclog, complete(fhir_synclog, {"id": 1}))
    found = [(table.name, len(rows)) for table, rows in chunks([rule(1), rule(2), rule(3), log, rule(4)], 2)]
    assert found == [("alert_rule", 2), ("alert_rule", 1), ("fhir_synclog", 1), ("alert_rule", 1)]


def test_an_engine_commits_all_or_nothing(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'cdss.db'}", poolclass=NullPool)
    with engine.connect() as connection:
        alert_rule.create(connection)
        connection.commit()
        with pytest.raises(IntegrityError):
            load(engine, [rule(1), rule(1)])
        assert connection.scalar(select(func.count()).select_from(alert_rule)) == 0


def test_a_column_that_the_table_lacks_is_refused() -> None:
    with pytest.raises(KeyError, match="alert_rule has no column colour"):
        complete(alert_rule, {"id": 1, "colour": "red"})


def test_an_omitted_last_change_is_the_rows_latest_moment() -> None:
    row = complete(fhir_synclog, {"id": 1, "synced_at": "2025-01-02 00:00:00.000000"})
    assert row["target"] is None
    assert row["attempts"] == 0
    assert row["synced_at"] == "2025-01-02 00:00:00.000000"


def test_a_servers_session_is_afterwards_as_before(server: DatabaseServer) -> None:
    settings = "SELECT @@sql_mode, @@foreign_key_checks, @@unique_checks, @@time_zone"
    with server.engine().connect() as connection:
        before = connection.exec_driver_sql(settings).one()
        with openemr_session(connection):
            assert connection.exec_driver_sql(settings).one() == ("", 0, 0, "+09:00")
        assert connection.exec_driver_sql(settings).one() == before
