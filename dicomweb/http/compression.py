"""gzip for answers that are JSON or XML and whole; pixels are compressed already, if they are."""

from __future__ import annotations

import gzip
from collections.abc import Mapping

from starlette.responses import Response, StreamingResponse

TEXTS = ("application/dicom+json", "application/json")
SMALLEST = 1024


def compressed(response: Response) -> Response:
    """The answer, gzipped at level 1 where that is worth it."""
    media = response.headers.get("content-type", "").partition(";")[0]
    if isinstance(response, Packed):
        return response.gzipped()
    fits = media in TEXTS and "content-encoding" not in response.headers
    if isinstance(response, StreamingResponse) or not fits or len(response.body) <= SMALLEST:
        return response
    response.body = gzip.compress(bytes(response.body), 1)
    response.headers["content-length"] = str(len(response.body))
    response.headers["content-encoding"] = "gzip"
    return response


class Packed(Response):
    """A body that is at hand both ways, however often it is sent."""

    def __init__(self, plain: bytes, packed: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(plain, headers=headers)
        self.packed = packed

    def gzipped(self) -> Response:
        """The answer with its other body."""
        self.body = self.packed
        self.headers["content-length"] = str(len(self.packed))
        self.headers["content-encoding"] = "gzip"
        return self
