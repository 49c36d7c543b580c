"""Conditional interactions: the one resource that criteria find. https://hl7.org/fhir/R4/http.html#cond-update"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhir_facade.outcome import FhirFault, parameter
from fhir_facade.permitted import refuse_closed, searchable
from fhir_facade.search_request import Options, Reader
from fhir_facade.sensitive import resolved
from fhir_facade.writes.writing import Writing
from mappers.reader import Unreadable

Resource = dict[str, Any]
Pairs = Sequence[tuple[str, str]]


async def match(
    writing: Writing, resource_type: str, pairs: Pairs, about: str, *, alone: bool = True
) -> Resource | None:
    """The one resource that the caller finds by the criteria; None where there is none.

    Raises 412 for several, or for criteria that would find everything; 400 for what is no search; `about`
    is where they stand. `alone`: others who ask by the same criteria wait until this transaction ends.
    """
    service = writing.service
    searchable(service, [resource_type], stated=True)
    in_header = about == "http.If-None-Exist"
    asked = Reader(service.parser(by_post=in_header), [resource_type], Options(), lenient=False)
    told = await resolved(service, pairs) if in_header else list(pairs)
    _refuse_odd(told, about)
    request = asked.read(told)
    refuse_closed(service, request)
    if alone:
        await writing.transaction.lock(f"{resource_type}?{sorted(pairs)}")
    by_number = in_header and service.knows_resident_numbers
    page = await service.searching.page(
        asked.query(request, resource_type), 2, by_post=by_number, strict=True
    )
    if len(page.matches) > 1:
        raise FhirFault(412, "multiple-matches", "the criteria find more than one resource", (about,))
    found = page.matches[0] if page.matches else None
    if isinstance(found, Unreadable):
        raise FhirFault(500, "exception", f"the row {found.source} can't be read: {found.reason}")
    return found


def _refuse_odd(pairs: Pairs, about: str) -> None:
    """Criteria are what selects: without any, or with what only shapes an answer, they aren't meant."""
    if not pairs:
        raise FhirFault(412, "required", "a conditional interaction needs criteria", (about,))
    for name, _ in pairs:
        if name in _SHAPING or name.partition(":")[0] in _SHAPING:
            raise parameter(name, f"{name[:60]} selects nothing: it is no criterion", "not-supported")


_SHAPING = frozenset(
    {"_count", "_sort", "_include", "_revinclude", "_summary", "_elements", "_total", "_totalMethod"}
    | {"_explain", "_cursor", "_contained", "_containedType", "_format", "_pretty"}
)
