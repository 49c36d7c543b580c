"""The files of exports: `DATA_DIR/export/<job>/`, one folder a job, written in segments that never change.

What a client downloads as one file is a list of segments, one after another. A segment is begun by one
attempt at a job and is whole and durable before a checkpoint names it: so whoever goes on after a killed
worker needs to cut off nothing, and what that one still writes is in no list. Where there are keys, segments
are sealed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from mappers.at_rest import AtRest
from mappers.at_rest import Writer as Content
from mappers.keyring import place
from mappers.sealed_files import CHUNK

#: (name, bytes of its content)
Segment = tuple[str, int]


class Files:
    """All exports' files below one folder."""

    def __init__(self, folder: Path, at_rest: AtRest) -> None:
        self.folder, self.at_rest = folder, at_rest

    def of(self, job_id: str) -> Path:
        """A job's folder."""
        return self.folder / job_id

    def make(self, job_id: str) -> None:
        """A job's folder, for the owner only."""
        self.of(job_id).mkdir(parents=True, exist_ok=True, mode=0o700)
        _sync_folder(self.folder)

    def remove(self, job_id: str) -> None:
        """Removes what there is of a job."""
        shutil.rmtree(self.of(job_id), ignore_errors=True)

    def jobs(self) -> list[str]:
        """The jobs that have files."""
        try:
            return os.listdir(self.folder)
        except FileNotFoundError:
            return []

    def whole(self, job_id: str, segments: Sequence[Segment]) -> bool:
        """Whether every segment is there."""
        return all((self.of(job_id) / name).exists() for name, _ in segments)

    def chunks(self, job_id: str, segments: Sequence[Segment]) -> Iterator[bytes]:
        """What the segments hold, in order; UnopenableError where a sealed one was changed."""
        for name, _ in segments:
            with (self.of(job_id) / name).open("rb") as file:
                yield from self.at_rest.reading(file, _place(job_id, name))


class Writer:
    """One file of a job as one attempt writes it; `name` is the attempt's own."""

    def __init__(self, files: Files, job_id: str, name: str) -> None:
        self._files, self._job, self._name = files, job_id, name
        self._number, self._size = 0, 0
        self._open: tuple[BinaryIO, AbstractContextManager[Content], Content] | None = None

    def write(self, lines: bytes) -> None:
        """Adds whole lines."""
        content = (self._open or self._begun())[2]
        for start in range(0, len(lines), CHUNK):  # sealing takes small pieces best
            content.write(lines[start : start + CHUNK])
        self._size += len(lines)

    def _begun(self) -> tuple[BinaryIO, AbstractContextManager[Content], Content]:
        self._number, self._size = self._number + 1, 0
        file = _new(self._files.of(self._job) / self._segment)
        content = self._files.at_rest.writing(file, _place(self._job, self._segment))
        self._open = file, content, content.__enter__()
        return self._open

    @property
    def _segment(self) -> str:
        return f"{self._name}.{self._number}.ndjson"

    def durable(self) -> list[Segment]:
        """Ends the segment and waits until it is on disk; nothing where none was begun."""
        if self._open is None:
            return []
        file, content, _ = self._open
        self._open = None
        with file:
            content.__exit__(None, None, None)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(self._files.of(self._job))
        return [(self._segment, self._size)]

    def close(self) -> None:
        """Lets go of a segment that nobody will name."""
        if self._open is not None:
            self._open[0].close()
            self._open = None


def _place(job_id: str, segment: str) -> bytes:
    return place("fhir_job", "file", job_id, segment)


def _new(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
