"""Encryption at rest: whether there are keys, and whether they can be used."""

from __future__ import annotations

from fhir_facade.doctor.finding import Finding, Level, fine
from fhir_facade.encryption import key_file
from fhir_facade.settings import Settings
from mappers.key_file import KeyFile, KeyFileFault
from mappers.keyring import Keyring

AREA = "encryption"


def examine_encryption(settings: Settings) -> Finding:
    """What is stored from now on: sealed, in clear on purpose, or in clear for want of keys."""
    if not settings.encryption_at_rest:
        return fine(AREA, "what is stored is not encrypted: ENCRYPTION_AT_REST is off")
    file = key_file(settings)
    if settings.encryption_keys_file or file.path.exists():
        return _usable(file)
    if settings.embedded:
        return fine(AREA, "the first start makes the keys")
    return Finding(
        Level.ADVICE,
        AREA,
        f"what is stored is not encrypted: there are no keys in {file.path}",
        ("who copies the database or its backup can read all that clients have written",),
        "fhir-facade encryption rotate (and docs/operations/encryption.md)",
    )


def _usable(file: KeyFile) -> Finding:
    try:
        sealing = Keyring(file).sealing
    except KeyFileFault as fault:
        return Finding(Level.BROKEN, AREA, str(fault), ("the server doesn't start",))
    return fine(AREA, f"{sealing} seals what is stored; {file.path} belongs into a backup of its own")
