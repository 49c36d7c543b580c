"""All pictures of a series or a study in one answer.

They are made before the answer begins, on the disk if they are many: its status says whether all are there,
which no answer can that is sent while they are made.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, NamedTuple

from anyio import to_thread

from dicomweb.archives.archive import Address
from dicomweb.http.faults import DicomFault
from dicomweb.http.multipart import Part, streamed
from dicomweb.http.routes import Asked
from dicomweb.http.streaming import Streamed
from dicomweb.index.reading import IndexedInstance
from dicomweb.wado.pictures import look_asked, picture_of, while_wanted, with_pixels
from dicomweb.wado.rendering import Look
from dicomweb.wado.seen import handed, recorded, seen

#: instances that are rendered for one answer, and bytes of their pictures that are kept in memory
MOST, IN_MEMORY = 1000, 4 * 1024**2
#: instances that are rendered side by side
TOGETHER = 4


class Picture(NamedTuple):
    """Where a picture stands."""

    address: Address
    start: int
    size: int


@dataclass
class Album:
    """Pictures, in order, and why others can't be made."""

    pictures: list[Picture] = field(default_factory=list)
    faults: list[DicomFault] = field(default_factory=list)
    file: IO[bytes] = field(default_factory=lambda: SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115
    _size: int = 0

    async def add(self, address: Address, content: bytes) -> None:
        """One more."""
        await to_thread.run_sync(self.file.write, content)
        self.pictures.append(Picture(address, self._size, len(content)))
        self._size += len(content)

    async def content(self, picture: Picture) -> bytes:
        """What one is."""
        return await to_thread.run_sync(self._read, picture)

    def _read(self, picture: Picture) -> bytes:
        self.file.seek(picture.start)
        return self.file.read(picture.size)

    async def aclose(self) -> None:
        """Gives the disk back."""
        self.file.close()


async def rendered_instances(asked: Asked) -> Streamed:
    """Pictures of all instances that the address names, each as it is rendered by itself, in parts.

    Without those that have no pixels or can't be rendered: 206, and a Warning that says how many they are.
    Raises DicomFault 400, 404, 406, and what is wrong with the first where none can be rendered.
    """
    studies, found = await seen(asked)
    shown, look = with_pixels(found), look_asked(asked)
    if len(shown) > MOST:
        raise DicomFault(400, f"at most {MOST} instances are rendered at once, not {len(shown)}")
    await recorded(asked, studies, len(shown))
    album = await while_wanted(asked.request, _album(asked, shown, look))
    response = streamed(look.media, _parts(asked, album, look), held=album)
    left = {"have no pixels": len(found) - len(shown), "can't be rendered": len(album.faults)}
    if any(left.values()):
        response.status_code = 206
        told = [f'299 - "{n} instances {why}: they are left out"' for why, n in left.items() if n]
        response.headers["warning"] = ", ".join(told)
    return response


async def _album(asked: Asked, shown: Sequence[IndexedInstance], look: Look) -> Album:
    album = Album()
    try:
        for start in range(0, len(shown), TOGETHER):
            await _add(asked, album, shown[start : start + TOGETHER], look)
        if not album.pictures:
            raise album.faults[0]
    except BaseException:
        await album.aclose()
        raise
    return album


async def _add(asked: Asked, album: Album, some: Sequence[IndexedInstance], look: Look) -> None:
    making = (picture_of(asked, one, 0, look) for one in some)
    for one, made in zip(some, await asyncio.gather(*making, return_exceptions=True), strict=True):
        if isinstance(made, DicomFault):
            album.faults.append(made)
        elif isinstance(made, BaseException):
            raise made
        else:
            await album.add(one.address, made)


async def _parts(asked: Asked, album: Album, look: Look) -> AsyncGenerator[Part, None]:
    for picture in album.pictures:
        study, series, instance = picture.address
        where = f"{asked.gateway.base}/studies/{study}/series/{series}/instances/{instance}/rendered"
        yield Part(look.media, await album.content(picture), where)
        handed(asked, frames=1, size=picture.size)
