"""Doctor looks at what the audit trail needs, where one is written."""

import json
from typing import Any

import pytest

from fhir_facade import cli
from tests.services.database import DatabaseServer


def audit_findings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: DatabaseServer
) -> list[dict[str, Any]]:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AUDIT", "on")
    cli.main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)["findings"]
    return [f for f in found if f["area"] == "audit"]


def test_commits_that_may_be_lost_and_rights_to_change_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: DatabaseServer
) -> None:
    found = audit_findings(monkeypatch, capsys, server)
    flushed = next(f for f in found if "innodb_flush_log_at_trx_commit is 0" in f["text"])
    assert (flushed["level"], flushed["takesDown"]) == (
        "advice",
        ["a power cut may take the last second's accesses with it"],
    )
    assert any("this user may" in f["text"] and f["level"] == "fine" for f in found)


def test_a_missing_table_is_broken_and_says_what_makes_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mariadb: DatabaseServer
) -> None:
    with mariadb.engine(mariadb.owner).connect() as connection:
        connection.exec_driver_sql("RENAME TABLE fhir_audit TO fhir_audit_gone")
        try:
            (found,) = audit_findings(monkeypatch, capsys, mariadb)
        finally:
            connection.exec_driver_sql("RENAME TABLE fhir_audit_gone TO fhir_audit")
    assert (found["level"], found["remedy"]) == ("broken", "fhir-facade migrate")
    assert found["text"] == "there is no fhir_audit"
