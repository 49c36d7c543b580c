"""Requests to Orthanc: pooled, in limited time, retried: none of them does more when it comes twice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeVar

import httpx

from dicomweb.archives.archive import ArchiveDownError, NotThereError, RefusedError
from dicomweb.archives.orthanc.breaker import Breaker, OverloadedError

#: seconds: Orthanc answers in milliseconds, but may be busy with a file of gigabytes
TIMEOUT = httpx.Timeout(15.0, connect=3.0, pool=10.0)
#: Orthanc serves 50 connections at once, to all workers together; it ends idle ones after a second
LIMITS = httpx.Limits(max_connections=16, max_keepalive_connections=16, keepalive_expiry=0.8)
PIECE = 256 * 1024
NOT_LET_IN, NOT_THERE, FULL = (401, 403), (404, 410), (429, 507)
_T = TypeVar("_T")
BROKEN_OFF = (httpx.NetworkError, httpx.RemoteProtocolError)


@dataclass(frozen=True)
class OrthancAddress:
    """Where Orthanc is, and as whom it is asked (`username` empty: it asks nobody)."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)


class Connection:
    """Orthanc's HTTP side. Everything raises ArchiveDownError, NotThereError, RefusedError."""

    def __init__(
        self, address: OrthancAddress, timeout: httpx.Timeout = TIMEOUT, breaker: Breaker | None = None
    ) -> None:
        login = (address.username, address.password)
        self._breaker = breaker or Breaker()
        self._http = httpx.AsyncClient(
            base_url=address.url.rstrip("/"),
            auth=httpx.BasicAuth(*login) if address.username else None,
            headers={"accept-encoding": "identity"},
            timeout=timeout,
            limits=LIMITS,
            trust_env=False,
        )

    async def read(self, path: str, **query: int) -> Any:
        """What a GET answers."""
        return _json(await self._asked("GET", path, params=query))

    async def ask(self, path: str, content: Any) -> Any:
        """What a POST answers that changes nothing; `content` is JSON, or text as it is."""
        sent = {"content": content} if isinstance(content, str) else {"json": content}
        return _json(await self._asked("POST", path, **sent))

    async def remove(self, path: str) -> None:
        """DELETE."""
        await self._asked("DELETE", path)

    async def upload(self, path: str, file: BinaryIO) -> Any:
        """What Orthanc answers to a file that is sent, from its start; a second time changes nothing."""
        size = file.seek(0, 2)
        headers = {"content-type": "application/dicom", "content-length": str(size)}

        async def send() -> httpx.Response:
            return await self._whole("POST", path, headers=headers, content=_pieces(file))

        return _json(await self._twice(send))

    async def download(self, path: str, file: BinaryIO) -> None:
        """Writes what a GET answers to a file: all of it, or what was raised."""

        async def receive() -> None:
            file.seek(0)
            file.truncate()
            async with self._answer("GET", path, whole=False) as response:
                async for piece in response.aiter_raw():
                    file.write(piece)

        await self._twice(receive)

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    async def _asked(self, method: str, path: str, **request: Any) -> httpx.Response:
        return await self._twice(lambda: self._whole(method, path, **request))

    async def _twice(self, request: Callable[[], Awaitable[_T]]) -> _T:
        """Once more if the connection ended: that happens to idle ones, and to all when Orthanc restarts."""
        with self._breaker.attempt():
            try:
                return await request()
            except BrokenOffError:
                return await request()

    async def _whole(self, method: str, path: str, **request: Any) -> httpx.Response:
        async with self._answer(method, path, **request) as response:
            return response

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, *, whole: bool = True, **request: Any
    ) -> AsyncIterator[httpx.Response]:
        """An answer of success, while it comes."""
        try:
            async with self._http.stream(method, path, **request) as response:
                if whole or not response.is_success:
                    await response.aread()
                _judge(response)
                yield response
        except httpx.PoolTimeout as error:
            raise OverloadedError("too much is asked of Orthanc at once", 1) from error
        except httpx.ConnectError as error:
            raise BrokenOffError("Orthanc can't be reached") from error
        except BROKEN_OFF as error:
            raise BrokenOffError(f"Orthanc broke off: {type(error).__name__}") from error
        except httpx.TransportError as error:
            raise ArchiveDownError(f"Orthanc doesn't answer: {type(error).__name__}") from error


class BrokenOffError(ArchiveDownError):
    """The connection ended before the answer did: an idle one that was closed, or Orthanc itself."""


def _judge(response: httpx.Response) -> None:
    status = response.status_code
    if response.is_success:
        return
    if status in NOT_THERE:
        raise NotThereError(response.url.path)
    if status in NOT_LET_IN:
        raise ArchiveDownError("Orthanc refuses ORTHANC_USERNAME and ORTHANC_PASSWORD")
    if status in FULL or status == 500:
        raise OverloadedError(f"Orthanc answers {status}: {_reason(response)}")
    if status >= 500 or not response.is_client_error:
        raise ArchiveDownError(f"Orthanc answers {status}")
    raise RefusedError(_reason(response))


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise ArchiveDownError("what answers isn't Orthanc") from error


def _reason(response: httpx.Response) -> str:
    """What Orthanc says is wrong; nothing of a file's content is in that."""
    try:
        said = response.json()
        return str(said.get("Details") or said["Message"])
    except (ValueError, KeyError, AttributeError):
        return f"status {response.status_code}"


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece
