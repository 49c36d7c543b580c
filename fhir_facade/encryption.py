"""The keyring that the settings ask for."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from fhir_facade.inspection import catalogue, inspecting_engine
from fhir_facade.settings import SettingFault, Settings
from mappers.at_rest import AtRest
from mappers.key_file import KeyFile, KeyFileFault
from mappers.keyring import Keyring
from mappers.reach import CDSS_SCHEMA, Mappings
from mappers.sealable import obstacles
from mappers.sealed import BLIND, Sealed

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


def sealed_of(settings: Settings, keyring: Keyring | None, mappings: Mappings) -> Sealed | None:
    """The columns that SEALED_COLUMNS names; SettingFault for those that can't be sealed or found in."""
    if not settings.sealed_columns.strip():
        return None
    if keyring is None:
        raise SettingFault("SEALED_COLUMNS: there are no keys (ENCRYPTION_KEYS_FILE)")
    sealed = Sealed(keyring, sealed_names(settings))
    if found := [*obstacles(mappings, sealed), *_without_index(settings, sealed)]:
        raise SettingFault(f"SEALED_COLUMNS: {'; '.join(found)}")
    return sealed


def sealed_names(settings: Settings) -> frozenset[tuple[str, str]]:
    """(table, column) of SEALED_COLUMNS; raises SettingFault for what is no such list."""
    named = settings.sealed_columns.strip()
    return frozenset(_column(c) for c in named.split(",")) if named else frozenset()


def _column(text: str) -> tuple[str, str]:
    table, dot, column = text.strip().partition(".")
    if not (table and dot and column):
        raise SettingFault("SEALED_COLUMNS: expected table.column,table.column,…")
    return table, column


def _without_index(settings: Settings, sealed: Sealed) -> list[str]:
    """Those without a blind index, as far as the database can be asked now."""
    try:
        with inspecting_engine(settings).connect() as connection:
            there = {
                (c.table, c.column)
                for c in catalogue(connection, settings).columns
                if c.schema == CDSS_SCHEMA
            }
    except DBAPIError:
        return []
    lacking = sorted((t, c) for t, c in sealed.columns if (t, c + BLIND) not in there)
    return [f"{t} has no {c}{BLIND}: run `fhir-facade seal {t} {c}`" for t, c in lacking]
