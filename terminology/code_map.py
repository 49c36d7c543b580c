"""Concept maps: what a source column holds, and the code of a standard that means the same.

The tables are `maps/<name>.csv`; `maps/index.csv` says of each what it maps, onto which element and value
set, and whether letter case matters in the source. Columns: `source,system,code,display,origin,verified`,
then what the map needs beyond a coding (a timing's numbers, a vital sign's units).

A row says `verified=yes` only when its code and display are found in a packaged code system (checked by the
tests); any other is for people to read: it is never sent as a coding of its system.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType

STANDARD_COLUMNS = ("source", "system", "code", "display", "origin", "verified")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row; `extra` holds the columns beyond the standard ones."""

    source: str
    system: str
    code: str
    display: str
    origin: str
    verified: bool
    extra: Mapping[str, str] = field(default_factory=dict)

    def coding(self) -> dict[str, str] | None:
        """The FHIR Coding; None for a code that no packaged code system confirms."""
        if not self.verified or not self.code:
            return None
        return {"system": self.system, "code": self.code, "display": self.display}


@dataclass(frozen=True, slots=True)
class MapInfo:
    """What `maps/index.csv` says of a map; `value_set` is the one its codes must be members of, if any.

    `words` names the hospital's own code system of the words that it maps.
    """

    name: str
    source: str
    target: str
    value_set: str
    case_sensitive: bool
    words: str = ""


class CodeMap:
    """One concept map, in both directions."""

    def __init__(self, info: MapInfo, entries: tuple[Entry, ...]) -> None:
        self.info = info
        self.entries = entries
        self._by_source = {self._key(one.source): one for one in entries}
        self._sources: dict[tuple[str, str], list[str]] = {}
        for one in entries:
            if one.coding():
                self._sources.setdefault((one.system, one.code), []).append(one.source)

    @staticmethod
    def load(name: str) -> CodeMap:
        """The map of that name, read once; KeyError when `maps/index.csv` doesn't list it."""
        return _load(name)

    def _key(self, source: object) -> str:
        text = "" if source is None else str(source).strip()
        return text if self.info.case_sensitive else text.casefold()

    def entry(self, source: object) -> Entry | None:
        """The row of a source value, verified or not; None for a value that the map doesn't know."""
        return self._by_source.get(self._key(source))

    def to_fhir(self, source: object) -> Entry | None:
        """The row to send: None for an unknown value and for a code that isn't verified."""
        found = self.entry(source)
        return found if found is not None and found.coding() else None

    def system_of(self, source: object) -> str | None:
        """The system of a row, for maps that name systems only; None when unknown or not verified."""
        found = self.entry(source)
        return found.system if found is not None and found.verified else None

    def sources_of(self, system: str | None, code: str) -> tuple[str, ...]:
        """Source values that are sent as this code, the one to write first; any system when it is None."""
        if system is not None:
            return tuple(self._sources.get((system, code), ()))
        return tuple(text for (_, own), texts in self._sources.items() if own == code for text in texts)

    @property
    def known_sources(self) -> tuple[str, ...]:
        """Every source value of the map, in the order of the file."""
        return tuple(one.source for one in self.entries)


@cache
def index() -> Mapping[str, MapInfo]:
    """Name → what `maps/index.csv` says."""
    rows = read_rows("index")
    return MappingProxyType(
        {
            row["name"]: MapInfo(
                row["name"],
                row["source"],
                row["target"],
                row["value_set"],
                row["case"] == "sensitive",
                row["words"],
            )
            for row in rows
        }
    )


@cache
def _load(name: str) -> CodeMap:
    return CodeMap(index()[name], tuple(_entry(row) for row in read_rows(name)))


def _entry(row: dict[str, str]) -> Entry:
    extra = {key: text for key, text in row.items() if key not in STANDARD_COLUMNS}
    source, system, code, display, origin, verified = (row[key] for key in STANDARD_COLUMNS)
    return Entry(source, system, code, display, origin, verified == "yes", MappingProxyType(extra))


def read_rows(name: str) -> list[dict[str, str]]:
    """The rows of `maps/<name>.csv` by column name."""
    text = files("terminology").joinpath("maps", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
