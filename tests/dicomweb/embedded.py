"""Embedded archives of tests."""

from __future__ import annotations

from pathlib import Path

from dicomweb.archives.embedded import EmbeddedArchive
from mappers.at_rest import AtRest
from mappers.key_file import KeyFile
from mappers.keyring import Keyring


def at_rest_in(folder: Path) -> AtRest:
    """Keys of their own, in the folder."""
    file = KeyFile(folder / "test.keys")
    file.create()
    return AtRest(Keyring(file))


def archive_in(folder: Path, at_rest: AtRest | None = None) -> EmbeddedArchive:
    """An archive below the folder; without `at_rest` with keys of its own."""
    return EmbeddedArchive(folder / "archive", at_rest or at_rest_in(folder))
