"""Files sealed anew under the newest key, while they are served.

What is done stands in the files' own heads: interrupted, another run goes on with what is left. A file takes
another's place only if its content was read back, and if nobody has changed or removed that meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from dicomweb.archives.archive import NotThereError
from dicomweb.archives.embedded.files import LOCK, Files, context_of, same
from mappers.keyring import UnopenableError
from mappers.sealed_files import sealed_under


class NotSameError(Exception):
    """What was written can't be read back as what it was: the disk, or this machine, is at fault."""


@dataclass
class Progress:
    """How far it is: files that are there, looked at, sealed anew; those that can't be opened, and why."""

    there: int = 0
    looked: int = 0
    sealed: int = 0
    unopenable: dict[str, str] = field(default_factory=dict)


def keys_of(files: Files) -> dict[str, int]:
    """How many files are sealed under each key; '': in clear."""
    found = dict[str, int]()
    for name in files.names():
        try:
            with files.path(name).open("rb") as file:
                key = sealed_under(file)
        except FileNotFoundError:
            continue
        found[key] = found.get(key, 0) + 1
    return found


def resealed(files: Files) -> Generator[Progress, None, None]:
    """Seals all files under the newest key that aren't; yields after each. Raises OSError, NotSameError."""
    names = files.names()
    _make_lock(files.folder)
    progress = Progress(len(names))
    for name in names:
        try:
            progress.sealed += _reseal(files, name)
        except (UnopenableError, NotThereError) as fault:
            if files.path(name).exists():
                progress.unopenable[name] = str(fault)
        progress.looked += 1
        yield progress


def _make_lock(folder: Path) -> None:
    """The lock as the folder's owner's, whoever runs this."""
    lock, owner = folder / LOCK, folder.stat()
    if not lock.exists():
        lock.touch(0o600)
        os.chown(lock, owner.st_uid, owner.st_gid)


def _reseal(files: Files, name: str) -> bool:
    """Whether it has been sealed anew."""
    keyring, path = files.at_rest.sealing, files.path(name)
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return False
    with source:
        if keyring is None or sealed_under(source) == keyring.sealing:
            return False
        before = os.fstat(source.fileno())
        fresh = _written(files, name, source, before)
    try:
        return _placed(files, path, fresh, before)
    finally:
        fresh.unlink(missing_ok=True)


def _written(files: Files, name: str, source: BinaryIO, before: os.stat_result) -> Path:
    """The content sealed anew and read back, with the owner and the time of what it was read of."""
    content = files.at_rest.seekable(source, context_of(name))
    fresh = files.receive(content, name)
    try:
        with files.at_rest.seekable(fresh.open("rb"), context_of(name)) as again:
            if not same(content, again):
                raise NotSameError(name)
        os.chown(fresh, before.st_uid, before.st_gid)
        os.utime(fresh, ns=(before.st_atime_ns, before.st_mtime_ns))
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return fresh


def _placed(files: Files, path: Path, fresh: Path, before: os.stat_result) -> bool:
    """Puts it in its place, if that is as it was."""
    with files.exclusive(needed=True):
        try:
            now = path.stat()
        except FileNotFoundError:
            return False
        if (now.st_ino, now.st_mtime_ns, now.st_size) != (before.st_ino, before.st_mtime_ns, before.st_size):
            return False
        os.replace(fresh, path)
    files.sync(path.parent)
    return True
