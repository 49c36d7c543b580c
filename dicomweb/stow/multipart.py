"""multipart/related bodies as a stream: parts of any size, in as much memory as a chunk has.

https://www.rfc-editor.org/rfc/rfc2387, https://www.rfc-editor.org/rfc/rfc2046#section-5.1. Line ends may be
LF alone, text before the first part is skipped. What ends before its closing boundary is refused as a whole.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from email.message import Message
from email.utils import collapse_rfc2231_value

from dicomweb.http.faults import DicomFault

LONGEST_BOUNDARY = 200
#: bytes of a part's header fields, and of the blanks behind a boundary
HEADERS, PADDING = 16 * 1024, 256
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:[ \t]*(.*)")


def media_type(value: str) -> tuple[str, Mapping[str, str]]:
    """A Content-Type's media type and parameters, in lower case but for the parameters' values."""
    told = Message()
    told["content-type"] = value
    found = told.get_params(failobj=[])
    return told.get_content_type() if found else "", {
        k.lower(): collapse_rfc2231_value(v) for k, v in found[1:]
    }


class Parts:
    """Reads a body's parts in order: `next_part` goes to the next one, `content` yields what is in it."""

    def __init__(self, chunks: AsyncIterator[bytes], boundary: str) -> None:
        if not 0 < len(boundary) <= LONGEST_BOUNDARY or not boundary.isascii():
            raise DicomFault(400, "the boundary of a multipart body is 1 to 200 ASCII characters")
        self._chunks, self._delimiter = chunks, b"\n--" + boundary.encode()
        self._buffer, self._done, self._within = bytearray(b"\n"), False, False

    async def next_part(self) -> Mapping[str, str] | None:
        """The header fields of the next part, names in lower case; None after the last one."""
        async for _ in self._until_boundary():
            pass
        return None if self._done else await self._fields()

    async def content(self) -> AsyncIterator[bytes]:
        """What is in the part."""
        async for chunk in self._until_boundary():
            yield chunk
        self._within = True

    async def _until_boundary(self) -> AsyncIterator[bytes]:
        """What stands before the next boundary, which is taken away; nothing if that was done already."""
        if self._done or self._within:
            self._within = False
            return
        while True:
            at = self._buffer.find(self._delimiter)
            if at >= 0 and (after := await self._behind(at)):
                yield bytes(self._buffer[: _line_end(self._buffer, at)])
                del self._buffer[:after]
                return
            # a line that only begins as the boundary does; or whatever can't be the beginning of one
            keep = at + 1 if at >= 0 else max(0, len(self._buffer) - len(self._delimiter) - 1)
            if keep:
                yield bytes(self._buffer[:keep])
                del self._buffer[:keep]
            if at < 0:
                await self._more()

    async def _behind(self, at: int) -> int:
        """Where a boundary's line ends; 0 where the line goes on, so that it is none."""
        end = at + len(self._delimiter)
        while True:
            line, newline, _ = self._buffer[end : end + PADDING].partition(b"\n")
            if line.startswith(b"--"):
                self._done = True
                return len(self._buffer)
            if newline or len(line) >= PADDING or line.strip(b" \t\r-"):
                return end + len(line) + 1 if newline and not line.strip() else 0
            await self._more()

    async def _fields(self) -> Mapping[str, str]:
        found: dict[str, str] = {}
        while True:
            line, newline, _ = self._buffer.partition(b"\n")
            if len(line) > HEADERS:
                raise DicomFault(400, "the header fields of a part are too long")
            if not newline:
                await self._more()
                continue
            del self._buffer[: len(line) + 1]
            line = line.rstrip(b"\r")
            if not line:
                return found
            field = _FIELD.fullmatch(line)
            if field is None or len(found) > 50:
                raise DicomFault(400, "the header fields of a part can't be read")
            found[field[1].decode("latin-1").lower()] = field[2].decode("latin-1")

    async def _more(self) -> None:
        chunk = await anext(self._chunks, None)
        if chunk is None:
            raise DicomFault(400, "the multipart body ends before its closing boundary")
        self._buffer += chunk


def _line_end(buffer: bytearray, at: int) -> int:
    """Where content ends before a boundary: the CR belongs to its line end."""
    return at - 1 if at and buffer[at - 1] == 0x0D else at
