"""Files under names that are hashes: whole and durable, or not there. Where there are keys, they are sealed.

`files/ab/cd/<64 hex digits>`; what isn't whole yet is in `incoming`. What a client sends is in no path.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from dicomweb.archives.archive import Address, NotThereError
from mappers.at_rest import AtRest
from mappers.keyring import place as sealed_place
from mappers.sealed_files import CHUNK

#: seconds after which what isn't whole is a killed writer's
LEFT_AFTER = 24 * 3600
LOCK = "lock"
_NAME = re.compile(r"[0-9a-f]{64}")


def name_of(address: Address) -> str:
    """The name that an address always has."""
    return sha256("/".join(address).encode()).hexdigest()


class Files:
    """All files below a folder. Not `durable`: nothing waits for the disk."""

    def __init__(self, folder: Path, at_rest: AtRest, *, durable: bool = True) -> None:
        self.folder, self.at_rest, self._durable = folder, at_rest, durable
        self._whole, self._incoming = folder / "files", folder / "incoming"

    def make(self) -> None:
        """The folders, for the owner only; what a killed writer left half is removed after a day."""
        for folder in (self.folder, self._whole, self._incoming):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in self._incoming.iterdir():
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - LEFT_AFTER:
                    left.unlink()

    def check(self) -> None:
        """Raises OSError where the folder isn't to be had."""
        self._whole.stat()

    def receive(self, file: BinaryIO, name: str) -> Path:
        """The content, durable, sealed for its name, and not yet in its place."""
        fresh = self._incoming / uuid4().hex
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
                file.seek(0)
                with self.at_rest.writing(target, context_of(name)) as content:
                    shutil.copyfileobj(file, content, CHUNK)
                target.flush()
                if self._durable:
                    os.fsync(target.fileno())
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        return fresh

    def place(self, fresh: Path, name: str, *, replace: bool = True) -> bool:
        """Puts what was received into its place, instead of what was there; False where that has to stay."""
        path = self.path(name)
        made = [folder for folder in (path.parent.parent, path.parent) if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.exclusive():
            if not replace and path.exists():
                return False
            os.replace(fresh, path)
        for folder in (path.parent, *(folder.parent for folder in made)):
            self.sync(folder)
        return True

    def open(self, name: str) -> BinaryIO:
        """The content, seekable; raises NotThereError, and UnopenableError for what was changed."""
        try:
            file = self.path(name).open("rb")
        except FileNotFoundError:
            self.check()  # a disk that isn't there has not lost its files
            raise NotThereError(name) from None
        return self.at_rest.seekable(file, context_of(name))

    def remove(self, name: str) -> None:
        """Removes a file, if it is there."""
        path = self.path(name)
        with suppress(FileNotFoundError):
            with self.exclusive():
                path.unlink()
            self.sync(path.parent)

    def there(self, name: str) -> bool:
        """Whether it is there, whole or not; raises OSError where the folder isn't to be had."""
        if _NAME.fullmatch(name) and self.path(name).exists():
            return True
        self.check()  # a disk that isn't there has not lost its files
        return False

    def names(self) -> list[str]:
        """All names, the files that were written first coming first."""
        self.check()
        found = []
        for path in self._whole.glob("??/??/*"):
            with suppress(FileNotFoundError):  # it went meanwhile
                found.append((path.stat().st_mtime_ns, path.name))
        return [name for _, name in sorted(found)]

    @contextmanager
    def exclusive(self, *, needed: bool = False) -> Iterator[None]:
        """No other process puts a file into its place or removes one meanwhile.

        Whoever has new content goes on where the folder knows no locks; whoever puts the same content again
        (`needed`: OSError then) must not do it over what came or went meanwhile.
        """
        with ExitStack() as held:
            try:
                descriptor = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
                held.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            except OSError:
                if needed:
                    raise
            yield

    def sync(self, folder: Path) -> None:
        """Waits for the disk to have what a folder lists."""
        if not self._durable:
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def path(self, name: str) -> Path:
        """Where a name is; NotThereError for what is no name of ours."""
        if not _NAME.fullmatch(name):
            raise NotThereError(name)
        return self._whole / name[:2] / name[2:4] / name


def same(one: BinaryIO, other: BinaryIO) -> bool:
    """Whether two files have the same content; the other one is read from where it stands."""
    one.seek(0)
    while piece := one.read(CHUNK):
        if other.read(len(piece)) != piece:
            return False
    return not other.read(1)


def context_of(name: str) -> bytes:
    """What a file is sealed for."""
    return sealed_place("archive", "file", name)
