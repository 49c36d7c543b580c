"""The CodeSystems and ValueSets of R4, as packaged with us: loaded when first asked for.

Kept as the lines that they are in the file; of each only what it is found by is at hand.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import orjson

Resource = dict[str, Any]
FILES = {"CodeSystem": "code_systems", "ValueSet": "value_sets"}


@cache
def _lines(resource_type: str) -> tuple[bytes, ...]:
    packed = files("terminology").joinpath("r4", f"{FILES[resource_type]}.jsonl.gz").read_bytes()
    return tuple(gzip.decompress(packed).split(b"\n"))


@cache
def _numbers(resource_type: str, name: str) -> dict[str, int]:
    """Url or id → line: each is there once."""
    return {orjson.loads(line)[name]: number for number, line in enumerate(_lines(resource_type))}


@lru_cache(256)
def _resource(resource_type: str, number: int) -> Resource:
    found: Resource = orjson.loads(_lines(resource_type)[number])
    return found


class Packaged:
    """R4's own code systems and value sets. What it yields is shared: nobody may change it in place."""

    def find(self, resource_type: str, url: str, version: str) -> Resource | None:
        """The resource of a url; None where there is none, or of another version."""
        found = self._by(resource_type, "url", url)
        return found if found is not None and version in ("", found.get("version")) else None

    def of_id(self, resource_type: str, id_text: str) -> Resource | None:
        """The resource of an id; None where there is none."""
        return self._by(resource_type, "id", id_text)

    def _by(self, resource_type: str, name: str, text: str) -> Resource | None:
        number = _numbers(resource_type, name).get(text) if resource_type in FILES else None
        return None if number is None else _resource(resource_type, number)

    def every(self, resource_type: str) -> Iterator[Resource]:
        """All of a type, by id; parsed anew each time, so that none are kept."""
        for line in _lines(resource_type) if resource_type in FILES else ():
            found: Resource = orjson.loads(line)
            yield found
