"""Keys, and hospitals that have them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mappers.key_file import KeyFile
from mappers.keyring import Keyring
from tests.encryption.hospital import Hospital, hospital


@pytest.fixture
def key_file(tmp_path: Path) -> KeyFile:
    """A key file with one key."""
    file = KeyFile(tmp_path / "encryption.keys")
    file.create()
    return file


@pytest.fixture
def keyring(key_file: KeyFile) -> Keyring:
    """Its keyring."""
    return Keyring(key_file)


@pytest.fixture
def rotated(key_file: KeyFile) -> Callable[[], Keyring]:
    """Adds a key that is newer than all others, and is the keyring of a process that starts then."""
    count = 0

    def rotate() -> Keyring:
        nonlocal count
        count += 1
        key_file.rotate(datetime.now(UTC) + timedelta(hours=count))
        return Keyring(key_file, clock=lambda: (datetime.now(UTC) + timedelta(hours=count + 1)).timestamp())

    return rotate


@pytest.fixture(scope="module", params=["embedded", "mariadb", "mysql"])
def hospital_open(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hospital]:
    """A hospital with keys and nothing sealed, on each kind of database in turn."""
    server = None if request.param == "embedded" else request.getfixturevalue(request.param)
    with hospital(tmp_path_factory.mktemp(request.param), server) as found:
        yield found
