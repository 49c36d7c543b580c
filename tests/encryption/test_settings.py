"""Keys as settings and commands have them."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from fhir_facade import cli
from fhir_facade.encryption import at_rest_of, key_file
from fhir_facade.settings import SettingFault, Settings
from mappers.keyring import is_sealed, key_of


def test_the_embedded_default_seals_under_keys_of_its_own(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path))
    sealed = at_rest_of(settings).kept("text", b"here")
    assert is_sealed(sealed)
    assert (tmp_path / "encryption.keys").stat().st_mode & 0o777 == 0o600
    assert at_rest_of(settings).told(sealed, b"here") == "text"
    off = at_rest_of(replace(settings, encryption_at_rest=False))
    assert off.kept("text", b"here") == "text"
    assert off.told(sealed, b"here") == "text"


def test_beside_a_real_database_missing_keys_are_told_and_never_made_in_passing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(data_dir=str(tmp_path), db_host="db.test")
    with caplog.at_level(logging.WARNING):
        assert at_rest_of(settings).kept("text", b"here") == "text"
    assert "encryption rotate" in caplog.text
    assert list(tmp_path.iterdir()) == []
    caplog.clear()
    at_rest_of(replace(settings, encryption_at_rest=False))
    assert caplog.text == ""


def test_keys_that_are_named_and_not_there_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingFault, match=r"ENCRYPTION_KEYS_FILE: .*missing\.keys"):
        at_rest_of(Settings(data_dir=str(tmp_path), encryption_keys_file=str(tmp_path / "missing.keys")))


def test_the_command_makes_the_first_key_and_adds_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "keys" / "facade.keys"
    monkeypatch.setenv("ENCRYPTION_KEYS_FILE", str(path))
    monkeypatch.setenv("DB_HOST", "db.test")
    assert cli.main(["encryption", "rotate"]) == 0
    settings = Settings.from_environment()
    first = at_rest_of(settings).kept("text", b"here")
    assert cli.main(["encryption", "rotate"]) == 0
    told = capsys.readouterr().out
    assert f"back up {path}" in told
    ids = [k.id for k in key_file(settings).read().keys]
    assert [i for i in ids if i in told] == ids
    assert len(ids) == 2
    at_rest = at_rest_of(settings)
    assert key_of(at_rest.kept("text", b"here")) == ids[1]
    assert at_rest.told(first, b"here") == "text"
    assert cli.main(["encryption", "rotate", "--in-minutes", "30"]) == 0
    assert key_of(at_rest_of(settings).kept("text", b"here")) == ids[1]
    path.chmod(0o644)
    assert cli.main(["encryption", "rotate"]) == 2
    assert "chmod 600" in capsys.readouterr().err
