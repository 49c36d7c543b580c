"""What doctor says of encryption at rest, and that it makes no keys."""

from dataclasses import replace
from pathlib import Path

from fhir_facade.doctor.encryption import examine_encryption
from fhir_facade.doctor.finding import Level
from fhir_facade.encryption import key_file
from fhir_facade.settings import Settings


def test_a_real_database_without_keys_is_advised_to_make_them(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), db_host="db.test")
    found = examine_encryption(settings)
    assert found.level is Level.ADVICE
    assert "encryption rotate" in found.remedy
    assert examine_encryption(replace(settings, encryption_at_rest=False)).level is Level.FINE
    assert list(tmp_path.iterdir()) == []
    key_file(settings).create()
    assert examine_encryption(settings).level is Level.FINE


def test_keys_that_cannot_be_used_are_broken(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), encryption_keys_file=str(tmp_path / "keys"))
    assert examine_encryption(settings).level is Level.BROKEN
    key_file(settings).create()
    assert examine_encryption(settings).level is Level.FINE
    (tmp_path / "keys").chmod(0o644)
    assert "chmod 600" in examine_encryption(settings).text


def test_the_embedded_default_is_fine_before_its_first_start(tmp_path: Path) -> None:
    assert examine_encryption(Settings(data_dir=str(tmp_path))).level is Level.FINE
    assert list(tmp_path.iterdir()) == []
