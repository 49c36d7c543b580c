"""What was sent beside what came back: to the last digit, but for what is the server's to say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]


class Number(NamedTuple):
    """A number as it is written: 5.40 is not 5.4."""

    text: str


def exact(text: str | bytes) -> Json:
    """JSON, its numbers as they are written."""
    found: Json = json.loads(text, parse_int=Number, parse_float=Number)
    return found


def differences(sent: Json, read: Json, *, narrated: bool) -> list[str]:
    """Where what was read says other than was sent; `narrated`: the server tells it in words."""
    mine, theirs = _own(sent), _own(read)
    if narrated and "text" not in mine and theirs.get("text", {}).get("status") == "generated":
        del theirs["text"]
    return [*_between(mine, theirs, sent["resourceType"]), *_lost(sent.get("meta", {}), read["meta"])]


def _own(resource: Json) -> Json:
    return {k: v for k, v in resource.items() if k not in ("id", "meta")}


def _lost(sent: Json, read: Json) -> Iterator[str]:
    """Of `meta` nothing is lost; the server may add labels and profiles."""
    for name, value in sent.items():
        if name in ("versionId", "lastUpdated", "source"):
            continue
        kept = [v for v in read.get(name, []) if v in value] if isinstance(value, list) else read.get(name)
        if kept != value:
            yield f"meta.{name}: {value!r} became {read.get(name)!r}"


def _between(sent: Any, read: Any, path: str) -> Iterator[str]:
    if isinstance(sent, dict) and isinstance(read, dict):
        for name in dict.fromkeys((*sent, *read)):
            if name not in read or name not in sent:
                which = f"lost {_short(sent[name])}" if name in sent else f"new {_short(read[name])}"
                yield f"{path}.{name}: {which}"
            else:
                yield from _between(sent[name], read[name], f"{path}.{name}")
    elif isinstance(sent, list) and isinstance(read, list) and len(sent) == len(read):
        for index, (one, other) in enumerate(zip(sent, read, strict=True)):
            yield from _between(one, other, f"{path}[{index}]")
    elif sent != read or type(sent) is not type(read):
        yield f"{path}: {_short(sent)} became {_short(read)}"


def _short(value: Any) -> str:
    return repr(value)[:200]
