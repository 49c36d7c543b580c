"""What sealing, opening and sealing anew make of a column's values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mappers.at_rest import AtRest
from mappers.keyring import MARK, Keyring, is_sealed, key_of, place
from mappers.resealing import Change, Held, Target
from mappers.sealed import blind_text
from mappers.sql import Condition, all_of, filled


class ColumnSeals:
    """The changes of one column of the hospital's."""

    def __init__(self, keyring: Keyring, target: Target) -> None:
        self.keyring, self.target = keyring, target

    def sealing(self) -> Change:
        """Clear texts become sealed ones."""
        return Change(lambda c: all_of(filled(c), c.not_like(f"{MARK}%")), self._sealed, self._says)

    def opening(self) -> Change:
        """Sealed texts become what they were, to the byte."""
        return Change(_is_sealed, self._opened, self._says)

    def renewing(self) -> Change:
        """Texts of older keys are sealed under the newest one."""
        newest = f"{MARK}{self.keyring.sealing}$%"
        return Change(lambda c: all_of(_is_sealed(c), c.not_like(newest)), self._renewed, self._says)

    def _place(self, key: Sequence[Any]) -> bytes:
        return place(self.target.table, self.target.column, *key)

    def _says(self, stored: bytes, key: Sequence[Any]) -> bytes:
        text = stored.decode("utf-8", "replace")
        return self.keyring.open(text, self._place(key)) if is_sealed(text) else stored

    def _held(self, plain: bytes, key: Sequence[Any]) -> Held:
        sealed = self.keyring.seal(plain, self._place(key)).encode()
        if not self.target.blind:
            return Held(sealed)
        told = plain.decode("utf-8", "replace")
        return Held(sealed, blind_text(self.keyring, self.target.table, self.target.column, told))

    def _sealed(self, stored: bytes, key: Sequence[Any]) -> Held | None:
        return self._held(stored, key) if stored.strip() else None

    def _opened(self, stored: bytes, key: Sequence[Any]) -> Held | None:
        return Held(self._says(stored, key))

    def _renewed(self, stored: bytes, key: Sequence[Any]) -> Held | None:
        if key_of(stored.decode("utf-8", "replace")) == self.keyring.sealing:
            return None
        return self._held(self._says(stored, key), key)


def kept_anew(at_rest: AtRest, keyring: Keyring, place_of: Callable[[Sequence[Any]], bytes]) -> Change:
    """The facade's own texts under the newest key: those of older ones, and those from before any."""
    newest = f"{MARK}{keyring.sealing}$%"

    def says(stored: bytes, bound: Sequence[Any]) -> bytes:
        return at_rest.told(stored.decode(), place_of(bound)).encode()

    def made(stored: bytes, bound: Sequence[Any]) -> Held | None:
        return Held(at_rest.kept(says(stored, bound).decode(), place_of(bound)).encode())

    return Change(lambda c: all_of(c.is_not(None), c.not_like(newest)), made, says)


def _is_sealed(column: Any) -> Condition:
    found: Condition = column.like(f"{MARK}%")
    return found
