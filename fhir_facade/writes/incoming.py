"""What a resource must be before it is written: the right one, whole, valid, and leading nowhere wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from fhir_facade.outcome import FhirFault, Issue
from fhir_facade.presence import present
from fhir_facade.writes.writing import Writing
from mappers.outage import SUBSETTED
from mappers.validation import references, validate

Resource = dict[str, Any]


def of_type(resource: Mapping[str, Any], resource_type: str) -> None:
    """Raises 400 for a resource of another type than the address says."""
    if resource.get("resourceType") != resource_type:
        text = f"the address says {resource_type}, the body another type"
        raise FhirFault(400, "invalid", text, (f"{resource_type}.resourceType",))


def with_id(resource: Mapping[str, Any], resource_type: str, id_text: str) -> None:
    """Raises 400 for a resource without the id that the address says."""
    stated = resource.get("id")
    if stated == id_text:
        return
    text = "the id is missing: it must be the address's" if stated is None else "the id is not the address's"
    raise FhirFault(400, "required" if stated is None else "invalid", text, (f"{resource_type}.id",))


async def check(writing: Writing, resource: Resource, resource_type: str) -> list[Issue]:
    """What may be said of a resource that is fit to be written; raises 422 that names all that is wrong."""
    found = [
        Issue(one.code, one.diagnostics, one.severity, (one.expression,))
        for one in await asyncio.to_thread(validate, resource, resource_type)
    ]
    if _incomplete(resource):
        text = "a resource tagged SUBSETTED is not whole: read it without _summary and _elements"
        found.append(Issue("incomplete", text, expression=(f"{resource_type}.meta.tag",)))
    wrong = [one for one in found if one.severity in ("fatal", "error")]
    if not wrong:
        wrong = [one async for one in _dangling(writing, resource)]
    if wrong:
        first, *more = wrong
        raise FhirFault(422, first.code, first.diagnostics, first.expression, more=tuple(more))
    return found


def _incomplete(resource: Resource) -> bool:
    meta = resource.get("meta")
    tags = meta.get("tag", []) if isinstance(meta, dict) else []
    named = (t for t in tags if isinstance(t, dict)) if isinstance(tags, list) else ()
    return any(t.get("system") == SUBSETTED["system"] and t.get("code") == SUBSETTED["code"] for t in named)


# references: https://hl7.org/fhir/R4/references.html#literal


async def _dangling(writing: Writing, resource: Resource) -> AsyncIterator[Issue]:
    """Faults of the literal references that can't be kept, or lead to nothing that the caller can see."""
    led: dict[str, list[str]] = {}
    for found in references(resource):
        text = found.reference.get("reference")
        if not isinstance(text, str) or text.startswith("#"):
            continue
        local = address(text, writing.service.base)
        if local is None:
            if says := _unkept(text):
                yield Issue("not-supported", says, expression=(f"{found.expression}.reference",))
        elif local not in writing.known:
            led.setdefault(local, []).append(f"{found.expression}.reference")
    for one in await _absent(writing, list(led)):
        text = f"there is no {one} (that you may read)"
        for expression in led[one]:
            yield Issue("not-found", text, expression=(expression,))


def address(text: str, base: str) -> str | None:
    """`Type/id` of a reference to this server; None for any other."""
    text = text.removeprefix(f"{base}/")
    pieces = text.split("/")
    if len(pieces) == 4 and pieces[2] == "_history":
        pieces = pieces[:2]
    return "/".join(pieces) if len(pieces) == 2 and ":" not in text and "?" not in text else None


def _unkept(text: str) -> str:
    """Why a reference that isn't to this server can't be kept; empty for another server's."""
    if text.startswith(("http://", "https://")):
        return ""
    if text.startswith("urn:"):
        return "nothing in this request has that fullUrl: a urn is for entries of the same transaction"
    if "?" in text:
        return "a conditional reference is for transactions"
    return "a reference is Type/id, #id, an absolute address or, within a transaction, a urn"


async def _absent(writing: Writing, wanted: Sequence[str]) -> list[str]:
    """Those that aren't there, or not for this caller; the others are known from now on."""
    by_type: dict[str, list[str]] = {}
    for one in wanted:
        by_type.setdefault(one.partition("/")[0], []).append(one)
    for name, named in by_type.items():
        if name in writing.service.mappings and writing.service.may_read.opens(name):
            ids = [one.partition("/")[2] for one in named]
            there = await present(writing.service.reading, name, ids)
            writing.known.update(f"{name}/{id_}" for id_ in there)
    return [one for one in wanted if one not in writing.known]
