"""update and conditional update. https://hl7.org/fhir/R4/http.html#update"""

from __future__ import annotations

from typing import Any

from fhir_facade.content import Request, Response
from fhir_facade.interactions.create import created
from fhir_facade.interactions.read import refuse_no_id
from fhir_facade.outcome import FhirFault
from fhir_facade.preconditions import if_match, only_if_absent
from fhir_facade.service import Service
from fhir_facade.writes.answer import answer
from fhir_facade.writes.criteria import match
from fhir_facade.writes.incoming import check, of_type, with_id
from fhir_facade.writes.permitted import open_to, refuse_read_only, still_own, to_be_changed, was_deleted
from fhir_facade.writes.writing import Writing, in_transaction

Resource = dict[str, Any]


async def update(
    service: Service, request: Request, resource_type: str, id_text: str, resource: Resource
) -> Response:
    """200 with the resource as it is now; 201 where it had been deleted.

    Raises 400 for another id or type than the address's, 403, 405 where there is none or it can't be
    written, 412 where it has changed since the version of If-Match, 422 for what isn't valid.
    """
    work = lambda w: updated(w, request, resource_type, id_text, resource)  # noqa: E731
    return await in_transaction(service, request, work)


async def updated(
    writing: Writing, request: Request, resource_type: str, id_text: str, resource: Resource
) -> Response:
    """An update within a transaction."""
    refuse_no_id(resource_type, id_text)
    may_update = writing.service.may_update
    open_to(may_update, resource_type, "update")
    of_type(resource, resource_type)
    with_id(resource, resource_type, id_text)
    refuse_read_only(writing.service, resource_type, id_text)
    before = await to_be_changed(writing, may_update, resource_type, id_text, "update")
    if before is None and not await was_deleted(writing, may_update, resource_type, id_text):
        raise none_there(resource_type, id_text)
    if before is not None and only_if_absent(request):
        raise FhirFault(412, "conflict", "there is such a resource already", ("http.If-None-Match",))
    issues = await check(writing, resource, resource_type)
    written = await writing.writer.update(resource_type, id_text, resource, if_match(request))
    await still_own(writing, may_update, written, "update")
    what = "create" if before is None else "update"
    return await answer(writing, request, written, what, before=before, issues=issues)


def none_there(resource_type: str, id_text: str) -> FhirFault:
    """405: what isn't there can't be updated. https://hl7.org/fhir/R4/http.html#upsert"""
    text = f"there is no {resource_type}/{id_text}, and clients can't choose ids: create it by POST"
    return FhirFault(405, "not-supported", text, headers={"allow": "GET, HEAD, OPTIONS"})


async def conditional_update(
    service: Service, request: Request, resource_type: str, resource: Resource
) -> Response:
    """The update of the one resource that the criteria find, or a create where they find none.

    Raises 412 where they find several, 400 where the body has another id than what is found.
    https://hl7.org/fhir/R4/http.html#cond-update
    """
    work = lambda w: conditionally_updated(w, request, resource_type, resource)  # noqa: E731
    return await in_transaction(service, request, work)


async def conditionally_updated(
    writing: Writing, request: Request, resource_type: str, resource: Resource
) -> Response:
    """A conditional update within a transaction."""
    open_to(writing.service.may_update, resource_type, "update")
    of_type(resource, resource_type)
    found = await match(writing, resource_type, request.parameters, "http.query")
    if found is not None:
        whole = {**resource, "id": resource.get("id", found["id"])}
        return await updated(writing, request, resource_type, found["id"], whole)
    if "id" in resource:
        raise none_there(resource_type, str(resource["id"])[:64])
    return await created(writing, request, resource_type, resource)
