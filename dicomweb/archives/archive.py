"""What an imaging archive does for the gateway: it keeps Part 10 files, and tells what changed.

Everything that can be said of a file (metadata, frames, rendering, another transfer syntax) is made above
it, once for all archives; searches ask the index (docs/decisions/0025). `Orthanc` and `EmbeddedArchive` are
its two kinds, and pass the same tests.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol


class Address(NamedTuple):
    """A study, a series of it, or an instance of that: UIDs, of which the last ones may be empty."""

    study: str
    series: str = ""
    instance: str = ""


class Stored(NamedTuple):
    """An instance that an archive keeps. `place`: what the archive knows it by."""

    address: Address
    place: str


class Change(NamedTuple):
    """What has come or gone: an instance with its place, or (`gone`) whatever the address names."""

    address: Address
    place: str = ""
    gone: bool = False


@dataclass(frozen=True)
class Changes:
    """Changes in order, and the position after them; `done`: there are no more just now."""

    found: Sequence[Change]
    position: str
    done: bool


class ArchiveDownError(Exception):
    """The archive can't be asked just now; it may do later. `retry_after`: seconds, if that is known."""

    def __init__(self, text: str, retry_after: int = 0) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class NotThereError(Exception):
    """The archive has no such instance (any more)."""


class RefusedError(Exception):
    """The archive doesn't take a file, for good: trying again won't help. Its text says why."""


class NotReplacedError(RefusedError):
    """The archive has another file of the instance, and lets none take its place."""


class Archive(Protocol):
    """Part 10 files by the places that it gives them. Everything raises ArchiveDownError."""

    name: str

    async def fetch(self, place: str) -> BinaryIO:
        """The file as it was received, from its start: seekable, the caller closes it; in memory up to a
        few megabytes, else on disk. Raises NotThereError.
        """

    async def store(self, address: Address, file: BinaryIO, *, replace: bool = True) -> str:
        """Keeps a file durably before it returns its place; one that is there is replaced as a whole.

        Raises RefusedError; NotReplacedError where another file is there that isn't to be replaced, or that
        the archive's own settings let nobody replace.
        """

    async def delete(self, place: str) -> None:
        """Removes an instance; nothing happens where there is none."""

    async def changes(self, position: str, limit: int = 1000) -> Changes:
        """What has come since a position ('' = from the beginning)."""

    def everything(self) -> AsyncIterator[Stored]:
        """All that it keeps, in no order: what the index is rebuilt from and compared with."""

    async def places(self) -> Sequence[str]:
        """The places of all that it keeps at one moment: much faster than `everything`."""

    async def alive(self) -> None:
        """Returns if the archive answers."""

    async def close(self) -> None:
        """Gives back connections and files."""
