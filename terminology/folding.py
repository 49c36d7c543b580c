"""Text as string searches compare it: https://hl7.org/fhir/R4/search.html#string."""

from __future__ import annotations

import re
import unicodedata

# Accents only: vowel signs of other scripts are marks too, but not what "accent-insensitive" means.
_ACCENTS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")


def fold(text: str) -> str:
    """The text without case, accents, width and surplus blanks; Hangul stays whole syllables (NFC)."""
    return " ".join(fold_characters(text).split())


def fold_characters(text: str) -> str:
    """The text without case, accents and width, blanks as they are."""
    return unicodedata.normalize("NFC", _without_accents(_without_accents(text).casefold()))


def _without_accents(text: str) -> str:
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text))


def forms(text: str) -> tuple[str, str]:
    """The text in both canonical forms, (NFC, NFD): rows typed on some systems hold Hangul taken apart."""
    return unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
