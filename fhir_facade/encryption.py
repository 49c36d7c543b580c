"""The keyring that the settings ask for."""

from __future__ import annotations

import logging
from pathlib import Path

from fhir_facade.settings import SettingFault, Settings
from mappers.at_rest import AtRest
from mappers.key_file import KeyFile, KeyFileFault
from mappers.keyring import Keyring

log = logging.getLogger("fhir_facade.encryption")
NAME = "encryption.keys"
UNSEALED = (
    "what the facade stores is not encrypted: there are no keys. `fhir-facade encryption rotate` makes them; "
    "docs/operations/encryption.md says where they belong"
)


def key_file(settings: Settings) -> KeyFile:
    """Where the keys are, or would be."""
    named = settings.encryption_keys_file
    return KeyFile(Path(named) if named else settings.data_path / NAME)


def at_rest_of(settings: Settings) -> AtRest:
    """How what the facade stores is kept; SettingFault for keys that can't be used."""
    keyring = keyring_of(settings)
    if keyring is None and settings.encryption_at_rest:
        log.warning("%s", UNSEALED)
    return AtRest(keyring, settings.encryption_at_rest)


def keyring_of(settings: Settings) -> Keyring | None:
    """The keys, or None where there are none; SettingFault for keys that can't be used.

    The embedded default makes its own keys. Beside a real database they are made on purpose only: made in
    passing, in a folder that nobody backs up, they would be lost with it, and all that they sealed.
    """
    file = key_file(settings)
    try:
        if settings.encryption_at_rest and settings.embedded and not settings.encryption_keys_file:
            file.create()
        if settings.encryption_keys_file or file.path.exists():
            return Keyring(file)
    except KeyFileFault as fault:
        raise SettingFault(f"ENCRYPTION_KEYS_FILE: {fault}") from None
    return None
