"""The policy table: what it names is known, what it doesn't is closed, and a broken one stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_facade.app import create_app
from fhir_facade.registry import by_type
from fhir_facade.settings import SettingFault, Settings
from smart_auth.access.policy import groups, policy
from tests.smart_auth.badges import DEMO_USERS, Badges


def test_it_names_every_role_of_the_hospital() -> None:
    assert set(policy().roles) == set(DEMO_USERS)


def test_every_type_is_placed() -> None:
    placed = {t for types in groups().values() for t in types} | {r.resource_type for r in policy().rules}
    assert set(by_type()) - {"AuditEvent"} <= placed


@pytest.mark.parametrize(
    "line",
    [
        "doctor,Nothing,rs,all,",
        "doctor,@nothing,rs,all,",
        "doctor,Patient,xyz,all,",
        "doctor,Patient,rs,everybody,",
    ],
)
def test_a_table_that_cannot_be_read_stops_the_start(line: str, tmp_path: Path) -> None:
    table = tmp_path / "policy.csv"
    table.write_text(f"role,resource_type,permissions,rows,query\n{line}\n")
    settings = Settings(data_dir=str(tmp_path), enable_security=True, access_policy=str(table))
    with pytest.raises(SettingFault, match="ACCESS_POLICY: line 2"):
        create_app(settings, Badges())


def test_an_unknown_model_stops_the_start(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), enable_security=True, access_model="everything")
    with pytest.raises(SettingFault, match="ACCESS_MODEL"):
        create_app(settings, Badges())
