"""patch and conditional patch. https://hl7.org/fhir/R4/http.html#patch"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fhir_facade.content import Request, Response
from fhir_facade.interactions.read import refuse_no_id
from fhir_facade.outcome import FhirFault, not_found
from fhir_facade.patching import fhirpath_patch, json_patch
from fhir_facade.preconditions import if_match
from fhir_facade.service import Service
from fhir_facade.writes.answer import answer
from fhir_facade.writes.criteria import match
from fhir_facade.writes.incoming import check
from fhir_facade.writes.permitted import (
    open_to,
    refuse_read_only,
    refuse_unreadable,
    still_own,
    to_be_changed,
    was_deleted,
)
from fhir_facade.writes.writing import Writing, in_transaction
from mappers.transaction import RetryError
from mappers.write.faults import WriteFault

Resource = dict[str, Any]
Change = Callable[[Resource], Resource]


def change(body: Any) -> Change:
    """What a patch makes of a resource: a JSON Patch is an array, a FHIRPath Patch a Parameters."""
    apply = json_patch.patched if isinstance(body, list) else fhirpath_patch.patched
    return lambda resource: apply(resource, body)


async def patch(service: Service, request: Request, resource_type: str, id_text: str, body: Any) -> Response:
    """200 with the resource as it is now.

    Raises 403, 404 where there is none (410 where it was deleted), 405 where it can't be written, 412 where
    it has changed since the version of If-Match, 422 for what can't be done or leaves what isn't valid.
    """
    work = lambda w: patched(w, request, resource_type, id_text, change(body))  # noqa: E731
    return await in_transaction(service, request, work)


async def patched(
    writing: Writing, request: Request, resource_type: str, id_text: str, make: Change
) -> Response:
    """A patch within a transaction.

    Its outcome tells what is there (`test`, conditions, places that aren't): 403 for who may not read it.
    """
    refuse_no_id(resource_type, id_text)
    may_update = writing.service.may_update
    open_to(may_update, resource_type, "update")
    refuse_read_only(writing.service, resource_type, id_text)
    before = await to_be_changed(writing, may_update, resource_type, id_text, "update")
    if before is None:
        if await was_deleted(writing, may_update, resource_type, id_text):
            raise FhirFault(410, "deleted", f"{resource_type}/{id_text} was deleted")
        raise not_found(f"there is no {resource_type}/{id_text}")
    await refuse_unreadable(writing, before, may_update)
    after = await asyncio.to_thread(make, before)
    issues = await check(writing, after, resource_type)
    written = await _written(writing, request, before, after)
    await still_own(writing, may_update, written, "update")
    return await answer(writing, request, written, "patch", before=before, issues=issues)


async def _written(writing: Writing, request: Request, before: Resource, after: Resource) -> Resource:
    """What was patched must be what is written over: if others were faster, it is patched again."""
    kind, id_ = before["resourceType"], before["id"]
    asked = if_match(request)
    try:
        current = asked or before["meta"]["versionId"]
        return await writing.writer.update(kind, id_, after, current, method="PATCH")
    except WriteFault as fault:
        if fault.status == 412 and asked is None:
            raise RetryError("patched by another") from None
        raise


async def conditional_patch(service: Service, request: Request, resource_type: str, body: Any) -> Response:
    """The patch of the one resource that the criteria find; 404 where they find none, 412 for several."""
    work = lambda w: conditionally_patched(w, request, resource_type, change(body))  # noqa: E731
    return await in_transaction(service, request, work)


async def conditionally_patched(
    writing: Writing, request: Request, resource_type: str, make: Change
) -> Response:
    """A conditional patch within a transaction."""
    open_to(writing.service.may_update, resource_type, "update")
    found = await match(writing, resource_type, request.parameters, "http.query")
    if found is None:
        raise not_found("the criteria find nothing to patch")
    return await patched(writing, request, resource_type, found["id"], make)
