"""A server that could not let anybody in doesn't start, and says what to do."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from fhir_facade.cli import prepare, welcome
from fhir_facade.settings import SettingFault, Settings
from tests.services.mariadb import mariadb_server


def test_a_foreign_secret_stops_the_start(tmp_path: Path) -> None:
    from fhir_facade.authorization import administration_of

    settings = Settings(data_dir=str(tmp_path))
    prepare(settings)
    administration_of(settings).keys.jwks()
    prepare(settings)
    (tmp_path / "auth.key").write_bytes(bytes(32))
    with pytest.raises(SettingFault, match=r"DATA_DIR: .*auth\.key.*keys rotate --at-once"):
        prepare(settings)


def test_missing_tables_stop_the_start(tmp_path: Path) -> None:
    with mariadb_server() as server:
        environment = {**server.environment(), "ENABLE_SECURITY": "true", "DATA_DIR": str(tmp_path)}
        with pytest.raises(SettingFault, match="fhir-facade migrate"):
            prepare(Settings.from_environment(environment))


@pytest.mark.parametrize(
    "change", [{}, {"PORT": "9000"}, {"HOST": "::1", "PUBLIC_BASE_URL": "https://a.example"}]
)
def test_the_command_for_a_token_that_is_printed_is_for_this_server(
    change: dict[str, str], tmp_path: Path
) -> None:
    settings = Settings.from_environment({"DATA_DIR": str(tmp_path / "a folder"), **change})
    prepare(settings)
    [told] = [line for line in welcome(settings).splitlines() if line.startswith("  a token ")]
    words = shlex.split(told.removeprefix("  a token "))
    command = words.index(".venv/bin/fhir-facade")
    own = Settings.from_environment(dict(word.split("=", 1) for word in words[:command]))
    assert own == settings
    assert words[command + 1 :] == ["token", "--user", "doctor", "--scope", "user/*.rs"]


def test_the_addresses_that_are_printed_can_be_sent_as_they_are(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    prepare(settings)
    told = [line for line in welcome(settings).splitlines() if "http://" in line]
    addresses = [word.strip("()") for line in told for word in line.split() if "http://" in word]
    assert f"{settings.fhir_base}/Patient?name=%EA%B9%80" in addresses
    assert all(address.isascii() for address in addresses)


@pytest.mark.parametrize(
    ("name", "value"), [("ACCESS_MODEL", "everybody"), ("ACCESS_POLICY", "/nowhere/policy.csv")]
)
def test_a_policy_that_cannot_be_used_stops_the_start(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingFault, match=name):
        prepare(Settings.from_environment({"DATA_DIR": str(tmp_path), name: value}))
