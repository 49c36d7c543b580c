"""delete and conditional delete. https://hl7.org/fhir/R4/http.html#delete"""

from __future__ import annotations

from typing import Any

from fhir_facade.content import Request, Response
from fhir_facade.interactions.read import refuse_no_id
from fhir_facade.outcome import Issue, not_found, outcome
from fhir_facade.preconditions import if_match, returned
from fhir_facade.service import Service
from fhir_facade.writes.criteria import match
from fhir_facade.writes.permitted import open_to, refuse_read_only, to_be_changed, was_deleted
from fhir_facade.writes.writing import Writing, in_transaction, told
from mappers.write.faults import WriteFault

Resource = dict[str, Any]


async def delete(service: Service, request: Request, resource_type: str, id_text: str) -> Response:
    """204 once it is gone, also where it was gone before; reading it is 410 from then on.

    Raises 403, 404 where there never was one (that the caller may see), 405 where it can't be deleted, 412
    where it has changed since the version of If-Match.
    """
    return await in_transaction(service, request, lambda w: deleted(w, request, resource_type, id_text))


async def deleted(writing: Writing, request: Request, resource_type: str, id_text: str) -> Response:
    """A delete within a transaction."""
    refuse_no_id(resource_type, id_text)
    may_delete = writing.service.may_delete
    open_to(may_delete, resource_type, "delete")
    refuse_read_only(writing.service, resource_type, id_text)
    before = await to_be_changed(writing, may_delete, resource_type, id_text, "delete")
    if before is None:
        if not await was_deleted(writing, may_delete, resource_type, id_text):
            raise not_found(f"there is no {resource_type}/{id_text}")
        return _answer(request, None, None)
    try:
        gone = await writing.writer.delete(resource_type, id_text, if_match(request))
    except WriteFault as fault:
        raise told(fault, "GET, HEAD, PUT, PATCH, OPTIONS") from None
    return _answer(request, before, gone.version_id if gone else None)


async def conditional_delete(service: Service, request: Request, resource_type: str) -> Response:
    """The delete of the one resource that the criteria find, 204 where they find none; 412 for several.

    https://hl7.org/fhir/R4/http.html#3.1.0.7.1
    """
    return await in_transaction(service, request, lambda w: conditionally_deleted(w, request, resource_type))


async def conditionally_deleted(writing: Writing, request: Request, resource_type: str) -> Response:
    """A conditional delete within a transaction."""
    open_to(writing.service.may_delete, resource_type, "delete")
    found = await match(writing, resource_type, request.parameters, "http.query")
    if found is None:
        return _answer(request, None, None)
    return await deleted(writing, request, resource_type, found["id"])


def _answer(request: Request, before: Resource | None, version: str | None) -> Response:
    headers = {"etag": f'W/"{version}"'} if version else {}
    served = [before] if before else []
    if returned(request) != "OperationOutcome":
        return Response(None, 204, headers, served=served)
    text = "deleted" if before else "there was nothing to delete"
    return Response(outcome([Issue("informational", text, "information")]), 200, headers, served=served)
