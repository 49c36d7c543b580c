"""The embedded databases are made once, whole or not at all."""

import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from fhir_facade.cli import main
from mappers.demo import IncompleteDatabaseError, create_embedded


def count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
    return found


def test_both_databases_have_the_demo_in_them(tmp_path: Path) -> None:
    assert create_embedded(tmp_path / "var")
    assert count(tmp_path / "var" / "cdss.db", "emr_patientcache") == 6
    assert count(tmp_path / "var" / "openemr.db", "patient_data") == 3


def test_they_are_in_write_ahead_mode_and_nothing_else_is_left(tmp_path: Path) -> None:
    create_embedded(tmp_path)
    with closing(sqlite3.connect(tmp_path / "cdss.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert {path.name for path in tmp_path.iterdir()} == {".creating", "cdss.db", "openemr.db"}


def test_what_is_complete_is_left_alone(tmp_path: Path) -> None:
    create_embedded(tmp_path)
    with closing(sqlite3.connect(tmp_path / "cdss.db")) as connection, connection:
        connection.execute("DELETE FROM alert_rule")
    assert not create_embedded(tmp_path)
    assert count(tmp_path / "cdss.db", "alert_rule") == 0


def test_a_missing_database_is_made_beside_the_other(tmp_path: Path) -> None:
    create_embedded(tmp_path)
    (tmp_path / "openemr.db").unlink()
    assert create_embedded(tmp_path)
    assert count(tmp_path / "openemr.db", "lists") > 20


def test_an_empty_file_of_a_stray_connection_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "cdss.db").touch()
    (tmp_path / "cdss.building").write_text("what an interrupted attempt left")
    assert create_embedded(tmp_path)
    assert count(tmp_path / "cdss.db", "emr_patientcache") == 6


def test_a_file_with_other_tables_is_refused_and_kept(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "cdss.db")) as connection, connection:
        connection.execute("CREATE TABLE diary (entry TEXT)")
    with pytest.raises(IncompleteDatabaseError, match=r"cdss\.db lacks .*emr_patientcache"):
        create_embedded(tmp_path)
    assert count(tmp_path / "cdss.db", "diary") == 0


def test_a_demo_of_another_version_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    create_embedded(tmp_path)
    with closing(sqlite3.connect(tmp_path / "cdss.db")) as connection, connection:
        connection.execute("DROP TABLE alert_rule")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert main(["doctor"]) == 2
    assert re.search(r"lacks alert_rule: .*another DATA_DIR\n", capsys.readouterr().err)


def test_several_starters_make_them_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as starters:
        made = list(starters.map(create_embedded, [tmp_path] * 4))
    assert sorted(made) == [False, False, False, True]
