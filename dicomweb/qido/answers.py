"""A search's rows as DICOM JSON. https://dicom.nema.org/medical/dicom/current/output/html/part18.html#chapter_F"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from dicomweb.qido.asked import Search
from dicomweb.qido.attributes import LEVELS, Attribute, of_level
from dicomweb.qido.statement import COUNTS, MODALITIES
from mappers.at_rest import AtRest
from mappers.stored.places import of_metadata

Json = dict[str, Any]
Row = Mapping[str, Any]
CHARACTER_SET, AVAILABILITY, RETRIEVE_URL = "00080005", "00080056", "00081190"
TIMEZONE, MODALITIES_IN_STUDY = "00080201", "00080061"
GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
NUMBERS = {"IS", "US"}
COUNTED = {"series_count": "00201206", "instance_count": "00201208", "series_instances": "00201209"}


class Answer:
    """Says what is shown of a search's rows. `above`: levels that the address doesn't name are shown, too."""

    def __init__(self, search: Search, base: str, above: tuple[str, ...], at_rest: AtRest) -> None:
        self.search, self.base, self.above, self.at_rest = search, base, above, at_rest

    def of(self, row: Row) -> Json:
        """One result, by tag in rising order."""
        level = self.search.level
        found: Json = {
            CHARACTER_SET: _element("CS", ["ISO_IR 192"]),
            AVAILABILITY: _element("CS", ["ONLINE"]),
            RETRIEVE_URL: _element("UR", [self._url(row)]),
        }
        for one in LEVELS[: LEVELS.index(level) + 1]:
            found |= self._level(one, row, whole=one == level or one in self.above)
        return dict(sorted(found.items()))

    def _level(self, level: str, row: Row, *, whole: bool) -> Json:
        """What is shown of a level: what answers have, and what was asked for; else its UID."""
        by_tag = {a.tag: a for a in of_level(level)}
        stored = self._stored(level, row)
        known = {tag: _of_column(a, row) for tag, a in by_tag.items() if a.column}
        told: Json = known | stored | _computed(level, row)
        returned = {tag for tag, a in by_tag.items() if a.returned} | {TIMEZONE}
        if not whole:
            returned = {tag for tag in returned if by_tag.get(tag) and by_tag[tag].column == level}
        if self.search.everything:
            returned |= told.keys()
        kept = {tag: told[tag] for tag in sorted(told) if tag in returned | self.search.included}
        missing = {tag: _element(by_tag[tag].vr, []) for tag in returned & by_tag.keys() - kept.keys()}
        return kept | (missing if whole else {})

    def _stored(self, level: str, row: Row) -> Json:
        text = row.get(f"{level}_metadata" if level == "instance" else f"{level}_attributes")
        if text and level == "instance":
            text = self.at_rest.told(text, of_metadata(row["instance_instance"]))
        found: Json = orjson.loads(text) if text else {}
        return {tag: element for tag, element in found.items() if tag != CHARACTER_SET}

    def _url(self, row: Row) -> str:
        url = f"{self.base}/studies/{row['study_study']}"
        if self.search.level != "study":
            url += f"/series/{row['series_series']}"
        return url if self.search.level != "instance" else f"{url}/instances/{row['instance_instance']}"


def _of_column(attribute: Attribute, row: Row) -> Json:
    value = row[f"{attribute.level}_{attribute.column}"]
    if attribute.vr == "PN":
        return _element("PN", [_name(value)] if value else [])
    if attribute.vr in NUMBERS:
        return _element(attribute.vr, [] if value is None else [int(value)])
    return _element(attribute.vr, [value] if value else [])


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
