"""Whether two servers answer with the same bytes: else their speeds say nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.request import Request, urlopen

from tests.bench.servers import Served

_CURSOR = re.compile(rb"_cursor=[\w=-]+")


class DifferentAnswers(RuntimeError):
    """Two servers say different things; shows where."""


def fetched(url: str, authorization: str = "") -> bytes:
    """The body of a GET."""
    headers = {"Authorization": authorization} if authorization else {}
    with urlopen(Request(url, headers=headers)) as response:  # noqa: S310 - our own server
        body: bytes = response.read()
    return body


def assert_same(one: Served, other: Served, paths: Sequence[str]) -> None:
    """Raises DifferentAnswers unless both give the same bytes, cursors and ports apart."""
    for path in paths:
        a, b = (_plain(fetched(s.url(path), f"Bearer {s.token}" if s.token else ""), s) for s in (one, other))
        if a != b:
            at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
            shown = "\n".join(
                f"{s.name}: …{t[max(0, at - 120) : at + 120]!r}" for s, t in ((one, a), (other, b))
            )
            raise DifferentAnswers(f"{path} at byte {at}\n{shown}")


def _plain(body: bytes, served: Served) -> bytes:
    return _CURSOR.sub(b"_cursor=", body).replace(b":%d" % served.port, b":PORT")
