"""Resident numbers in a search: taken from a body only, and gone before anything is built from the search.

A value that looks like one, of a parameter that ends in `identifier` (with any modifier), becomes `_id` of
the patients it stands for. So no link, cursor, log or explanation can hold it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from fhir_facade.outcome import FhirFault
from fhir_facade.service import Service
from mappers.parse import RESIDENT_NUMBER, SearchFault
from mappers.query import SearchQuery

#: an id that no resource has
NOBODY = "."
#: what is before the last parameter of a chained or `_has` name, and its modifier
_IDENTIFIER = re.compile(r"(.*[.:])?identifier(:[A-Za-z-]+)?")


async def resolved(service: Service, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters with resident numbers replaced by patient ids."""
    return [await _resolved(service, n, v) if RESIDENT_NUMBER.search(v) else (n, v) for n, v in pairs]


async def _resolved(service: Service, name: str, value: str) -> tuple[str, str]:
    found = _IDENTIFIER.fullmatch(name)
    if found is None:
        return name, value
    if not service.knows_resident_numbers:
        raise FhirFault(
            403, "forbidden", "a search by resident number needs a role of its own", ("http.identifier",)
        )
    front, modifier = found[1] or "", found[2] or ""
    negated = modifier == ":not"
    try:
        ids = await _patients(service, "identifier" if negated else f"identifier{modifier}", value)
    except SearchFault:
        return name, value  # the search itself is refused for it
    return f"{front}_id{modifier if negated else ''}", ",".join(ids) or NOBODY


async def _patients(service: Service, name: str, value: str) -> list[str]:
    query = SearchQuery("Patient", (service.parser(by_post=True).condition("Patient", name, value),))
    page = await service.searching.page(query, 50, by_post=True, strict=True)  # nobody may be overlooked
    return [m["id"] for m in page.matches if isinstance(m, dict)]
