"""Seals: what only the holder of the key can make. HMAC-SHA-256, of which 128 bits are kept."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from fhir_facade.paging import made_key
from fhir_facade.settings import SettingFault, Settings

FIRST = "0" * 32
SHORTEST = 32


class Seals:
    """Marks under one key: of a row, of its place in the chain, of a chain's head, of what is still due."""

    def __init__(self, key: bytes) -> None:
        self._keyed = HMAC(key, SHA256())

    def row(self, chain: str, sequence: int, record: str) -> str:
        """The row's own seal: this record stood at this place."""
        return self._mark(f"row {chain} {sequence} {record}")

    def link(self, previous: str, seal: str) -> str:
        """What ties a row to the one before it."""
        return self._mark(f"link {previous} {seal}")

    def head(self, chain: str, sequence: int, link: str) -> str:
        """The mark of a chain that has come this far."""
        return self._mark(f"head {chain} {sequence} {link}")

    def due(self, id_: str, records: str) -> str:
        """The mark of records that the trail hasn't got yet: nobody else can have it write what never was."""
        return self._mark(f"due {id_} {records}")

    def _mark(self, text: str) -> str:
        mark = self._keyed.copy()  # with the key taken in: half of what a short text would take
        mark.update(text.encode())
        return mark.finalize()[:16].hex()


def audit_key(settings: Settings, *, make: bool) -> bytes:
    """AUDIT_KEY, or `DATA_DIR/audit.key` (`make`: made if it isn't there); SettingFault where there is none.

    Never in the database: who can write the rows must not be able to seal them.
    """
    if settings.audit_key:
        if len(settings.audit_key) < SHORTEST:
            raise SettingFault(f"AUDIT_KEY: at least {SHORTEST} characters, at random")
        return settings.audit_key.encode()
    path = settings.data_path / "audit.key"
    if not make and not path.exists():
        raise SettingFault(
            f"AUDIT_KEY: not set, and there is no {path}: without the key nothing can be verified"
        )
    return _whole(path, path.read_bytes() if path.exists() else made_key(path))


def _whole(path: Path, key: bytes) -> bytes:
    if len(key) < SHORTEST:
        raise SettingFault(f"AUDIT_KEY: {path} is damaged ({len(key)} bytes): restore it from the backup")
    return key
