"""Clients that go away in the midst of an answer leave nothing open."""

from __future__ import annotations

import asyncio
import threading
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO

import pytest
from starlette.types import Message

from dicomweb.archives.archive import Address
from dicomweb.wado import album
from dicomweb.wado.seen import AT_ONCE, told
from tests.dicomweb.qido.conftest import ROOT, Images
from tests.dicomweb.wado.samples import STUDY, path_of

PARTS = 'multipart/related; type="application/dicom"'


class Client:
    """Reads some messages of an answer, and goes."""

    def __init__(self, reads: int) -> None:
        self.left, self.gone = reads, asyncio.Event()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.left -= 1
        if self.left <= 0:
            self.gone.set()
            await asyncio.Event().wait()  # nobody takes it any more


def asked(path: str, accept: str) -> dict[str, Any]:
    headers = [(b"accept", accept.encode()), (b"host", b"facade.test")]
    target = f"{ROOT}{path}"
    scope = {"type": "http", "method": "GET", "path": target, "raw_path": target.encode(), "headers": headers}
    return {**scope, "query_string": b"", "client": ("127.0.0.1", 1), "scheme": "http"}


async def left_by(client: Client, images: Images, path: str, accept: str) -> None:
    answering = images.router(asked(path, accept), client.receive, client.send)
    await asyncio.wait_for(answering, 20)


@pytest.mark.parametrize("reads", [1, 2, 3, 5, 9])
@pytest.mark.parametrize(
    ("path", "accept"),
    [
        (f"/studies/{STUDY}", PARTS),
        (f"/studies/{STUDY}", f"{PARTS}; transfer-syntax=*"),
        (f"/studies/{STUDY}", "application/zip; transfer-syntax=*"),
        (path_of("explicit"), "application/dicom"),
    ],
)
async def test_every_file_is_closed_as_soon_as_the_client_has_gone(
    images: Images, monkeypatch: pytest.MonkeyPatch, path: str, accept: str, reads: int
) -> None:
    archive, fetched = images.router.gateway.archive, list[BinaryIO]()
    fetch = archive.fetch

    async def fetching(place: str) -> BinaryIO:
        fetched.append(await fetch(place))
        return fetched[-1]

    monkeypatch.setattr(archive, "fetch", fetching)
    await left_by(Client(reads), images, path, accept)
    assert fetched
    assert all(file.closed for file in fetched)


@pytest.mark.parametrize("reads", [1, 2, 3])
async def test_pictures_on_the_disk_are_given_back_as_soon_as_the_client_has_gone(
    images: Images, monkeypatch: pytest.MonkeyPatch, reads: int
) -> None:
    opened = list[IO[bytes]]()

    def on_disk(size: int) -> IO[bytes]:
        opened.append(TemporaryFile())  # noqa: SIM115
        return opened[-1]

    monkeypatch.setattr(album, "SpooledTemporaryFile", on_disk)
    await left_by(Client(reads), images, f"/studies/{STUDY}/rendered", "image/png")
    assert [file.closed for file in opened] == [True]


async def test_no_more_is_decoded_at_once_however_many_clients_have_gone() -> None:
    """What is given up in a thread goes on there, and keeps its place until it ends."""
    lock, running, most, end = threading.Lock(), 0, 0, threading.Event()

    def decoding() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        end.wait(10)
        with lock:
            running -= 1

    try:
        for _ in range(3 * AT_ONCE):
            asking = asyncio.create_task(told(Address("1.2"), decoding))
            await asyncio.wait({asking}, timeout=0.02)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
    finally:
        end.set()
    assert most == AT_ONCE
    assert await told(Address("1.2"), lambda: "decoded") == "decoded"
    assert most == AT_ONCE
