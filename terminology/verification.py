"""Whether a coding is confirmed by a code system or value set that is packaged with us.

Confirmed means: the code is in a code list published for its system, under this display. What can't be
looked up offline isn't confirmed, however right it may be, and is never sent as a standard coding.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from terminology import definitions, systems

# The CDC's lists of race and ethnicity, which HL7 published under urls of its own before using the CDC's OID.
_SAME_LIST = {
    systems.RACE_AND_ETHNICITY: (
        "http://terminology.hl7.org/CodeSystem/v3-Race",
        "http://terminology.hl7.org/CodeSystem/v3-Ethnicity",
    )
}
# SNOMED CT's fully specified names end in their kind: "Oral route (qualifier value)".
_SEMANTIC_TAG = re.compile(r" \([a-z /]+\)$")


@cache
def reference_codes() -> Mapping[tuple[str, str], frozenset[str]]:
    """(system, code) → displays, of `r4/reference_codes.csv` and `r4/krcore_codes.csv`."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for name in ("reference_codes", "krcore_codes"):
        text = files("terminology").joinpath("r4", f"{name}.csv").read_text(encoding="utf-8")
        for row in csv.DictReader(text.splitlines()):
            key = (row["system"], row["code"])
            found[key] = found.get(key, frozenset()) | {row["display"]}
    return MappingProxyType(found)


def known_displays(system: str, code: str) -> frozenset[str]:
    """Every display that a packaged list has for the code; empty for a code that none has."""
    lists = (system, *_SAME_LIST.get(system, ()))
    packaged = {definitions.codesystem_display(one, code) for one in lists}
    return frozenset(one for one in packaged if one) | reference_codes().get((system, code), frozenset())


def is_verified(system: str, code: str, display: str) -> bool:
    """Whether a packaged list has the code under this display.

    A row without a code names a system only; of a unit only the code counts, units are printed freely.
    """
    if system == systems.UCUM:
        return is_known_unit(code)
    if not code:
        return (system, "") in reference_codes()
    return _plain(display) in {_plain(one) for one in known_displays(system, code)}


def is_known_unit(code: str) -> bool:
    """Whether UCUM's published lists of common units have the code (https://ucum.org)."""
    listed = definitions.valueset_codes("http://hl7.org/fhir/ValueSet/ucum-common") or frozenset()
    return (systems.UCUM, code) in listed or (systems.UCUM, code) in reference_codes()


def _plain(display: str) -> str:
    return _SEMANTIC_TAG.sub("", " ".join(display.split())).casefold()
