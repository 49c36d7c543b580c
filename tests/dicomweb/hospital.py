"""Embedded databases of a test's own, made once and copied."""

import shutil
from pathlib import Path

import pytest

from fhir_facade.set_up import migrate_embedded
from mappers.demo.embedded import CDSS_FILE, OPENEMR_FILE
from tests.facade.facade import settings_of


@pytest.fixture(scope="session")
def made_hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo hospital's databases, which nobody changes."""
    folder = tmp_path_factory.mktemp("hospital")
    migrate_embedded(settings_of(folder))
    return folder


@pytest.fixture
def hospital(made_hospital: Path, tmp_path: Path) -> Path:
    """A folder with a copy of them."""
    for name in (CDSS_FILE, OPENEMR_FILE):
        shutil.copy(made_hospital / name, tmp_path / name)
    return tmp_path
