"""Resident numbers in a search: taken from a body only, and gone before anything is built from the search.

A value that looks like one, of a parameter that ends in `identifier`, becomes `_id` of the patients it
stands for. So no link, cursor, log or explanation can hold it.
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir_facade.outcome import FhirFault
from fhir_facade.service import Service
from mappers.parse import RESIDENT_NUMBER
from mappers.query import SearchQuery

#: an id that no resource has
NOBODY = "."


async def resolved(service: Service, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters with resident numbers replaced by patient ids."""
    return [await _resolved(service, n, v) if RESIDENT_NUMBER.search(v) else (n, v) for n, v in pairs]


async def _resolved(service: Service, name: str, value: str) -> tuple[str, str]:
    front, last = _last(name)
    if last != "identifier":
        return name, value
    if not service.knows_resident_numbers:
        raise FhirFault(
            403, "forbidden", "a search by resident number needs a role of its own", ("http.identifier",)
        )
    query = SearchQuery("Patient", (service.parser(by_post=True).condition("Patient", "identifier", value),))
    page = await service.searching.page(query, 50, by_post=True, strict=True)  # nobody may be overlooked
    ids = [m["id"] for m in page.matches if isinstance(m, dict)]
    return f"{front}_id", ",".join(ids) or NOBODY


def _last(name: str) -> tuple[str, str]:
    """(everything before, the last parameter's name) of a chained or `_has` name."""
    cut = max(name.rfind("."), name.rfind(":") if name.startswith("_has:") else -1)
    return name[: cut + 1], name[cut + 1 :]
