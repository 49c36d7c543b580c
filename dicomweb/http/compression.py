"""gzip for answers that are JSON or XML and whole; pixels are compressed already, if they are."""

from __future__ import annotations

import gzip

from starlette.responses import Response, StreamingResponse

TEXTS = ("application/dicom+json", "application/json")
SMALLEST = 1024


def compressed(response: Response) -> Response:
    """The answer, gzipped at level 1 where that is worth it."""
    media = response.headers.get("content-type", "").partition(";")[0]
    fits = media in TEXTS and "content-encoding" not in response.headers
    if isinstance(response, StreamingResponse) or not fits or len(response.body) <= SMALLEST:
        return response
    response.body = gzip.compress(bytes(response.body), 1)
    response.headers["content-length"] = str(len(response.body))
    response.headers["content-encoding"] = "gzip"
    return response
