"""A search's rows as DICOM JSON. https://dicom.nema.org/medical/dicom/current/output/html/part18.html#chapter_F"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import orjson

from dicomweb.index.checking import is_element
from dicomweb.qido.asked import Search
from dicomweb.qido.attributes import LEVELS, of_level
from dicomweb.qido.statement import COUNTS, MODALITIES
from mappers.at_rest import AtRest
from mappers.stored.places import of_metadata

log = logging.getLogger("dicomweb.qido")
Json = dict[str, Any]
Row = Mapping[str, Any]
CHARACTER_SET, AVAILABILITY, RETRIEVE_URL = "00080005", "00080056", "00081190"
TIMEZONE, MODALITIES_IN_STUDY = "00080201", "00080061"
GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
NUMBERS = {"IS", "US"}
COUNTED = {"series_count": "00201206", "instance_count": "00201208", "series_instances": "00201209"}
#: what is true of every result
ALWAYS: Json = {
    CHARACTER_SET: {"vr": "CS", "Value": ["ISO_IR 192"]},
    AVAILABILITY: {"vr": "CS", "Value": ["ONLINE"]},
}


class Answer:
    """Says what is shown of a search's rows. `above`: levels that the address doesn't name are shown, too."""

    def __init__(self, search: Search, base: str, above: tuple[str, ...], at_rest: AtRest) -> None:
        self.search, self.base = search, base
        levels = LEVELS[: LEVELS.index(search.level) + 1]
        self.own = Shown(search.level, search, at_rest, whole=True)
        self.above = [Shown(one, search, at_rest, whole=one in above) for one in levels[:-1]]
        self._known: dict[str, Json] = {}

    @property
    def broken(self) -> int:
        """How many rows were told without what can't be read of them."""
        return sum(len(level.broken) for level in (self.own, *self.above))

    def of(self, row: Row) -> Json:
        """One result, by tag in rising order."""
        found = {**ALWAYS, RETRIEVE_URL: _element("UR", [self._url(row)]), **self.own.of(row)}
        for level in self.above:
            uid = row[level.uid]
            if uid not in self._known:
                self._known[uid] = level.of(row)
            found |= self._known[uid]
        return dict(sorted(found.items()))

    def _url(self, row: Row) -> str:
        url = f"{self.base}/studies/{row['study_study']}"
        if self.search.level != "study":
            url += f"/series/{row['series_series']}"
        return url if self.search.level != "instance" else f"{url}/instances/{row['instance_instance']}"


class Shown:
    """What is shown of one level: what answers have, and what was asked for; of others, its UID.

    What answers have is there even if it is empty.
    """

    def __init__(self, level: str, search: Search, at_rest: AtRest, *, whole: bool) -> None:
        self.level, self.at_rest, self.uid = level, at_rest, f"{level}_{level}"
        self.everything, self.broken = search.everything, set[str]()
        attributes = of_level(level)
        returned = [a for a in attributes if (a.returned if whole else a.column == level)]
        self.wanted = {a.tag for a in returned} | search.included | ({TIMEZONE} if whole else set())
        self._empty: Json = {a.tag: {"vr": a.vr} for a in returned if a.column or level == search.level}
        self._columns = [
            (a.tag, f"{level}_{a.column}", a.vr)
            for a in attributes
            if a.column and "." not in a.tag and (self.everything or a.tag in self.wanted)
        ]

    def of(self, row: Row) -> Json:
        """The level's attributes: as the index's columns have them, better as its files have them."""
        found = dict(self._empty)
        for tag, column, vr in self._columns:
            found[tag] = self._of_column(row, column, vr)
        stored = {tag: e for tag, e in self._stored(row).items() if self._is_shown(tag)}
        if not all(map(is_element, stored.values())):
            self._is_broken(row)
            stored = {}
        return found | stored | _computed(self.level, row)

    def _is_shown(self, tag: str) -> bool:
        return (self.everything or tag in self.wanted) and tag != CHARACTER_SET

    def _of_column(self, row: Row, column: str, vr: str) -> Json:
        try:
            return _of_column(vr, row[column])
        except (ValueError, TypeError, AttributeError):  # SQLite keeps anything in any column
            self._is_broken(row)
            return {"vr": vr}

    def _stored(self, row: Row) -> Json:
        """What files say; nothing where the row isn't what was written, or can't be opened."""
        text = row.get(f"{self.level}_metadata" if self.level == "instance" else f"{self.level}_attributes")
        try:
            if text and self.level == "instance":
                text = self.at_rest.told(text, of_metadata(row[self.uid]))
            found = orjson.loads(text) if text else {}
        except (ValueError, TypeError):
            found = None
        if not isinstance(found, dict):
            self._is_broken(row)
            return {}
        return found

    def _is_broken(self, row: Row) -> None:
        uid = row[self.uid]
        if uid not in self.broken:
            log.error("the index's row of the %s %s can't be read: rebuild the index", self.level, uid)
        self.broken.add(uid)


def _of_column(vr: str, value: Any) -> Json:
    if value is None or value == "":
        return {"vr": vr}
    if vr == "PN":
        return {"vr": vr, "Value": [_name(one) for one in value.split("\\")]}
    return {"vr": vr, "Value": [int(value)] if vr in NUMBERS else value.split("\\")}


def _name(text: str) -> Json:
    groups = zip(GROUPS, text.split("="), strict=False)
    return {group: name for group, name in groups if name}


def _computed(level: str, row: Row) -> Json:
    """How much there is below, and of which modalities, as the index knows."""
    counts = {COUNTED[name]: _element("IS", [int(row[name])]) for name in COUNTS[level] if name in row}
    if level == "study" and MODALITIES in row:
        told = sorted(m for m in str(row[MODALITIES] or "").split(",") if m)
        counts[MODALITIES_IN_STUDY] = _element("CS", told)
    return counts


def _element(vr: str, values: list[Any]) -> Json:
    return {"vr": vr, "Value": values} if values else {"vr": vr}
