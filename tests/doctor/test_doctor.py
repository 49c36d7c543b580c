"""`fhir-facade doctor` tells what the databases lack, what that costs and what would mend it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete

from fhir_facade import cli
from fhir_facade.doctor.finding import Finding, Level
from fhir_facade.doctor.rights import judged, parsed
from fhir_facade.doctor.schema import examine_schema
from fhir_facade.inspection import Catalogue
from fhir_facade.registry import by_type
from mappers.cdss.tables import CDSS
from mappers.facade.imaging import fhir_dicom_position, fhir_dicom_quarantine, fhir_dicom_study
from mappers.reach import ColumnName, all_names
from tests.doctor.test_drift import changed
from tests.services.database import DatabaseServer

MAPPINGS = by_type()
COLUMNS = {n: n.kind for n in all_names(MAPPINGS)}
RESULT = ("cdss_db", "lis_labresult")


def run(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *arguments: str) -> int:
    """The command's exit code under these settings."""
    for name, value in {"ENCRYPTION_AT_REST": "off", **environment}.items():
        monkeypatch.setenv(name, value)
    return cli.main(["doctor", *arguments])


def findings(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)["findings"]
    return found


def test_the_embedded_databases_are_fine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, {"DATA_DIR": str(tmp_path), "DB_HOST": ""}) == 0
    assert "columns that the mappings read are there" in capsys.readouterr().out


def test_a_real_server_is_fine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: DatabaseServer
) -> None:
    with server.engine(server.owner).begin() as owner:  # of other tests, whose images are elsewhere
        for table in (fhir_dicom_position, fhir_dicom_quarantine, fhir_dicom_study):
            owner.execute(delete(table))
    assert run(monkeypatch, server.environment(), "--json") == 0
    assert {f["area"] for f in findings(capsys)} == {
        "server",
        "rights",
        "schema",
        "indexes",
        "encryption",
        "imaging",
        "search values",
    }


def test_a_server_that_is_away_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, {"DB_HOST": "127.0.0.1", "DB_PORT": "1"}) == 2
    assert "can't be asked: 2003" in capsys.readouterr().out


def test_a_renamed_column_is_named_with_its_cost_and_its_likely_new_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: DatabaseServer
) -> None:
    there = "ALTER TABLE cdss_db.lis_labresult RENAME COLUMN abnormal_flag TO abnormal_flags"
    back = "ALTER TABLE cdss_db.lis_labresult RENAME COLUMN abnormal_flags TO abnormal_flag"
    with changed(server, there, back):
        code = run(monkeypatch, server.environment())
    out = capsys.readouterr().out
    assert code == 1
    assert "cdss_db.lis_labresult has no abnormal_flag" in out
    assert "interpretation" in out
    assert "abnormal_flag may now be abnormal_flags" in out


def test_a_table_without_which_a_type_is_not_served_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: DatabaseServer
) -> None:
    there = "RENAME TABLE cdss_db.ai_aijob TO cdss_db.ai_aijob_gone"
    with changed(server, there, "RENAME TABLE cdss_db.ai_aijob_gone TO cdss_db.ai_aijob"):
        code = run(monkeypatch, server.environment())
    out = capsys.readouterr().out
    assert code == 2
    assert "table cdss_db.ai_aijob is not there" in out
    assert "Task is not served" in out


def test_a_zone_that_the_server_does_not_know_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: DatabaseServer
) -> None:
    environment = server.environment() | {"SITE_TIMEZONE": "Europe/Berlin"}
    assert run(monkeypatch, environment) == 2
    assert "mysql_tzinfo_to_sql" in capsys.readouterr().out


def test_a_user_who_may_write_to_openemr_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: DatabaseServer
) -> None:
    as_owner = replace(server, facade=server.owner).environment()
    assert run(monkeypatch, as_owner) == 1
    assert "may change openemr" in capsys.readouterr().out


def count_rows(server: DatabaseServer) -> None:
    """Lets the server count: it estimates the size of tables now and then only, and small ones as empty."""
    with server.engine(server.owner).connect() as connection:
        for table in CDSS.tables:
            connection.exec_driver_sql(f"ANALYZE TABLE {table}")


def test_the_advised_indexes_can_be_made_and_are_then_advised_no_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: DatabaseServer
) -> None:
    def advised() -> list[str]:
        assert run(monkeypatch, server.environment(), "--ddl", "--min-rows", "1") == 0
        return [s for s in capsys.readouterr().out.splitlines() if not s.startswith("--")]

    count_rows(server)
    statements = advised()
    assert any("`lis_labresult` (`test_code`" in s for s in statements)
    assert any("`ocs_order` (`patient_id`, `ordered_at`)" in s for s in statements)
    with server.engine(server.owner).connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        try:
            assert advised() == []
        finally:
            for statement in statements:
                name, _, table = statement.split()[2:5]
                connection.exec_driver_sql(f"DROP INDEX {name} ON {table}")


def test_searches_that_read_a_large_table_from_end_to_end_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: DatabaseServer
) -> None:
    assert run(monkeypatch, server.environment(), "--min-rows", "10", "--json") == 1
    plans = [f for f in findings(capsys) if f["area"] == "plans"]
    assert any("cdss_db.lis_labresult" in str(f["text"]) for f in plans)
    assert any("Observation?status=…" in str(f["takesDown"]) for f in plans)


# without a server


def only(found: list[Finding]) -> Finding:
    [one] = found
    return one


def test_a_column_of_another_type_is_told() -> None:
    column = ColumnName(*RESULT, "value_numeric")
    found = only(examine_schema(MAPPINGS, Catalogue(COLUMNS | {column: "text"})))
    assert found.level is Level.ADVICE
    assert found.text == "cdss_db.lis_labresult.value_numeric is of type text, not number"


def test_whole_databases_have_one_finding_that_all_is_well() -> None:
    assert only(examine_schema(MAPPINGS, Catalogue(COLUMNS))).level is Level.FINE


FACADE = ["GRANT USAGE ON *.* TO `f`@`%`", "GRANT ALL PRIVILEGES ON `cdss\\_db`.* TO `f`@`%`"]


@pytest.mark.parametrize(
    ("grants", "expected"),
    [
        ([*FACADE, "GRANT SELECT ON `openemr`.* TO `f`@`%`"], [Level.FINE]),
        ([*FACADE, "GRANT SELECT ON `openemr`.`patient_data` TO `f`@`%`"], [Level.FINE]),
        ([*FACADE, "GRANT SELECT, UPDATE ON `openemr`.* TO `f`@`%`"], [Level.ADVICE]),
        ([*FACADE, "GRANT SELECT, UPDATE (`fname`) ON `openemr`.`users` TO `f`@`%`"], [Level.ADVICE]),
        (["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"], [Level.ADVICE]),
        (["GRANT SELECT ON `%`.* TO `f`@`%`"], [Level.FINE]),
        (FACADE, [Level.BROKEN]),
        (["GRANT SELECT ON `openemr`.* TO `f`@`%`"], [Level.BROKEN]),
    ],
)
def test_grants_are_judged(grants: list[str], expected: list[Level]) -> None:
    assert [f.level for f in judged(parsed(grants), "cdss_db", "openemr", [])] == expected


def test_secrets_that_can_be_read_are_told() -> None:
    grants = parsed([*FACADE, "GRANT SELECT ON `openemr`.* TO `f`@`%`"])
    found = only(judged(grants, "cdss_db", "openemr", ["users_secure"]))
    assert "users_secure" in found.text
