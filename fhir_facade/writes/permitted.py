"""What the caller may write: by type before, by row within the transaction."""

from __future__ import annotations

from typing import Any

from fhir_facade.bygone import Bygone
from fhir_facade.outcome import FhirFault
from fhir_facade.service import Service, refused
from fhir_facade.writes.writing import Writing, told
from mappers.query import Access
from mappers.reader import Unreadable
from mappers.view import View
from mappers.write.faults import WriteFault, read_only
from mappers.write.writer import writable_part

Resource = dict[str, Any]


def open_to(access: Access, resource_type: str, what: str) -> None:
    """Raises 403 for a type that the caller's scopes and role don't open to this interaction."""
    if not access.opens(resource_type):
        raise refused(resource_type, what)


def refuse_read_only(service: Service, resource_type: str, id_text: str) -> None:
    """Raises 405 with the reason for a resource whose rows aren't ours to write, or that has none."""
    mapping = service.mappings[resource_type]
    if mapping.at_hand is not None and mapping.at_hand.of_id(id_text) is not None:
        raise told(
            read_only(f"{resource_type}/{id_text}", "it is the standard's, or made of a master's rows")
        )
    found = mapping.resolve(id_text)
    if found is not None and not found[0].written_here:
        raise told(read_only(resource_type, found[0].read_only_because or "its rows are others'"))


def refuse_uncreatable(service: Service, resource_type: str) -> None:
    """Raises 405 with the reason for a type of which nothing new can be kept."""
    try:
        writable_part(service.mappings[resource_type])
    except WriteFault as fault:
        raise told(fault) from None


async def seen(writing: Writing, access: Access, resource_type: str, id_text: str) -> Resource | None:
    """The resource, if the access opens its row; within the transaction, so with what was just written."""
    view = View(writing.service.engine, access)
    found = await view.read(resource_type, id_text, strict=True)
    if isinstance(found, Unreadable):
        raise FhirFault(500, "exception", f"the row {found.source} can't be read: {found.reason}")
    return found


async def to_be_changed(
    writing: Writing, access: Access, resource_type: str, id_text: str, what: str
) -> Resource | None:
    """The resource as it is now, None where it isn't there or may not be read; raises 403 where it may be
    read but not changed.
    """
    found = await seen(writing, access, resource_type, id_text)
    if found is None and await seen(writing, writing.service.may_read, resource_type, id_text) is not None:
        raise _closed(resource_type, what)
    return found


async def refuse_unreadable(writing: Writing, resource: Resource, by: Access) -> None:
    """Raises 403 for a resource that `by` opens to a write, and nothing opens to be read."""
    kind, may_read = resource["resourceType"], writing.service.may_read
    if may_read.conditions(kind) == by.conditions(kind):
        return
    if await seen(writing, may_read, kind, resource["id"]) is None:
        text = f"a patch tells what is there: your scopes and role let you update this {kind}, not read it"
        raise FhirFault(403, "forbidden", text, (kind,))


async def was_deleted(writing: Writing, access: Access, resource_type: str, id_text: str) -> bool:
    """Whether a client deleted a resource that the access opened, by the last that is known of it.

    What was others' is told as what never was: its id is not for who couldn't have changed it then.
    """
    conditions = access.conditions(resource_type)
    if conditions is None or not await writing.writer.tombstone(resource_type, id_text):
        return False
    return await Bygone(writing.service).opened_last(conditions, resource_type, id_text)


async def still_own(writing: Writing, access: Access, written: Resource, what: str) -> None:
    """Raises 403 (and so nothing is written) for what would be beyond what the caller may write."""
    if await seen(writing, access, written["resourceType"], written["id"]) is None:
        raise _closed(written["resourceType"], what)


def _closed(resource_type: str, what: str) -> FhirFault:
    text = f"your scopes and role let you {what} {resource_type}, but not this one"
    return FhirFault(403, "forbidden", text, (resource_type,))
