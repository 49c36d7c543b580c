"""What a client takes: the Accept header, or the `accept` parameter, which goes before it.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.7
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request

from dicomweb.http.faults import DicomFault

#: the older names of media types
ALIASES = {"image/x-dicom-rle": "image/dicom-rle", "image/x-jls": "image/jls", "image/j2c": "image/jp2"}
MULTIPART = "multipart/related"
#: outside of quotation marks: what stands between commas or semicolons
_SPLIT = {mark: re.compile(rf'((?:[^{mark}"]|"(?:[^"\\]|\\.)*")+)') for mark in (",", ";")}
_LONGEST = 4096


class Acceptable(NamedTuple):
    """A media type that a client takes, the most wanted first. `part`: that of a multipart's parts.

    `syntax`: a transfer syntax, `*` for any, or '' where none is named.
    """

    media: str
    part: str = ""
    syntax: str = ""
    q: float = 1.0

    @property
    def multipart(self) -> bool:
        """Whether it is taken in parts."""
        return self.media in (MULTIPART, "multipart/*")

    def takes(self, media: str) -> bool:
        """Whether it means a media type, of parts or of the whole."""
        return _covers(self.part if self.multipart else self.media, media)


def _covers(pattern: str, media: str) -> bool:
    major = pattern.partition("/")[0]
    return pattern in ("*/*", "*", media) or (pattern == f"{major}/*" and media.startswith(f"{major}/"))


def acceptable(request: Request) -> Sequence[Acceptable]:
    """What a request takes, in order; anything, if it doesn't say. Raises DicomFault 400."""
    query = request.scope["query_string"].decode("latin-1")
    asked = ",".join(value for name, value in parse_qsl(query) if name == "accept")
    stated = asked or request.headers.get("accept", "")
    if len(stated) > _LONGEST:
        raise DicomFault(400, f"Accept has more than {_LONGEST} characters")
    named = (text for text in _parts(stated, ",") if any(_parts(text, ";")))
    found = [_one(text) for text in named] or [Acceptable("*/*")]
    return sorted((one for one in found if one.q > 0), key=lambda one: -one.q)


def _parts(text: str, mark: str) -> Iterator[str]:
    for found in _SPLIT[mark].findall(text):
        if found.strip():
            yield found.strip()


def _one(text: str) -> Acceptable:
    media, *stated = _parts(text, ";")
    media = _named(media)
    pairs = (p.partition("=") for p in stated)
    parameters = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
    part = _named(parameters.get("type", "*/*")) if media.startswith("multipart/") else ""
    return Acceptable(
        ALIASES.get(media, media),
        ALIASES.get(part, part),
        parameters.get("transfer-syntax", ""),
        _quality(parameters.get("q", "1")),
    )


def _named(text: str) -> str:
    """A media type: what it can't have within is a `+` that came in a query as it is."""
    return text.lower().replace(" ", "+")


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        raise DicomFault(400, f"Accept has a q that is no number: {text[:20]!r}") from None


def not_acceptable(offered: str) -> DicomFault:
    """406, with what would do."""
    return DicomFault(406, f"nothing that Accept names can be answered here; this is offered: {offered}")
