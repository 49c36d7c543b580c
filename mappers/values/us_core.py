"""Race and ethnicity as US Core's extensions say them: OMB's categories, finer codes, and all of it as text.

http://hl7.org/fhir/us/core/StructureDefinition-us-core-race.html
"""

from __future__ import annotations

from typing import Any

from mappers.sql import Condition, filled
from mappers.value import Column, Columns, Read, Value
from mappers.values.text import clean
from terminology.code_map import CodeMap
from terminology.systems import V3_NULL_FLAVOR

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition"
#: the categories of the Office of Management and Budget, of race and of ethnicity
OMB = frozenset({"1002-5", "2028-9", "2054-5", "2076-8", "2106-3", "2135-2", "2186-5"})


class Descent(Value):
    """An extension from a column of list options, joined by `|`; words the map lacks stay in the text.

    `name` is us-core-race or us-core-ethnicity.
    """

    def __init__(self, name: str, column: Column, code_map: CodeMap) -> None:
        self.url, self.column, self.map = f"{US_CORE}/{name}", column, code_map

    def reader(self, columns: Columns) -> Read:
        place = columns.at(self.column)
        return lambda row: self._extension(clean(row[place]) or "")

    def _extension(self, stored: str) -> dict[str, Any] | None:
        words = list(dict.fromkeys(w.strip() for w in stored.split("|") if w.strip()))
        entries = [self.map.to_fhir(w) for w in words]
        if not words:
            return None
        parts = [_part(coding) for e in entries if e and (coding := e.coding())]
        text = ", ".join(e.display if e else w for e, w in zip(entries, words, strict=True))
        return {"url": self.url, "extension": [*parts, {"url": "text", "valueString": text}]}

    def present(self) -> Condition:
        return filled(self.column)


def _part(coding: dict[str, str]) -> dict[str, Any]:
    broad = coding["code"] in OMB or coding["system"] == V3_NULL_FLAVOR
    return {"url": "ombCategory" if broad else "detailed", "valueCoding": coding}
