"""The sources that need no database: what is packaged, excerpted, or made of our own tables."""

from __future__ import annotations

from functools import cache

from terminology.service.local import excerpts, words
from terminology.service.packaged import Packaged
from terminology.service.source import Resolver, Source


def standing_sources() -> tuple[Source, ...]:
    """Them, in the order in which they are asked: an excerpt knows more of LOINC than that it exists."""
    return excerpts(), Packaged(), words()


@cache
def standing() -> Resolver:
    """A resolver of these alone."""
    return Resolver(standing_sources())
