"""The attributes that can be searched by, and those that answers have: rows of `attributes.csv`."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydicom.datadict import tag_for_keyword

TABLE = Path(__file__).parent / "attributes.csv"
LEVELS = ("study", "series", "instance")
_TAG = re.compile(r"[0-9A-Fa-f]{8}")


@dataclass(frozen=True)
class Attribute:
    """One attribute. `column` is the index's; `matching` how values of it are looked for, if they are."""

    keyword: str
    tag: str
    vr: str
    level: str
    column: str
    matching: str
    returned: bool


@cache
def attributes() -> Sequence[Attribute]:
    """All of them, by level."""
    with TABLE.open(encoding="ascii", newline="") as lines:
        rows = [{**row, "returned": row["returned"] == "yes"} for row in csv.DictReader(lines)]
    return tuple(Attribute(**row) for row in rows)  # type: ignore[arg-type]


def of_level(level: str) -> list[Attribute]:
    """The attributes of one level."""
    return [a for a in attributes() if a.level == level]


@cache
def searchable(level: str) -> dict[str, Attribute]:
    """What may be asked for at a level, by tag: its own attributes and those of the levels above."""
    levels = LEVELS[: LEVELS.index(level) + 1]
    return {a.tag: a for a in attributes() if a.level in levels and a.matching}


def path_of(name: str) -> str | None:
    """The tags that a name means, with dots between those of a sequence and of what is in it; None for none.

    https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.3.4.1
    """
    tags = [_tag_of(step) for step in name.split(".")]
    return None if None in tags else ".".join(filter(None, tags))


def _tag_of(name: str) -> str | None:
    """The tag that a keyword or eight hexadecimal digits name."""
    if _TAG.fullmatch(name):
        return name.upper()
    found = tag_for_keyword(name)
    return None if found is None else f"{found:08X}"
