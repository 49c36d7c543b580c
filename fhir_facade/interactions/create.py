"""create and conditional create. https://hl7.org/fhir/R4/http.html#create"""

from __future__ import annotations

from typing import Any

from fhir_facade.content import Request, Response
from fhir_facade.preconditions import if_none_exist, refuse_criteria
from fhir_facade.service import Service
from fhir_facade.writes.answer import answer
from fhir_facade.writes.criteria import match
from fhir_facade.writes.incoming import check, of_type
from fhir_facade.writes.permitted import open_to, refuse_uncreatable, still_own
from fhir_facade.writes.writing import Writing, in_transaction

Resource = dict[str, Any]


async def create(service: Service, request: Request, resource_type: str, resource: Resource) -> Response:
    """201 with the new resource's address; its id is the server's to give.

    With If-None-Exist: 200 and nothing written where the criteria find one, 412 where they find several.
    Raises 400 for another type's resource and for criteria in the address, 403,
    405 where none can be created, 422 for what isn't valid.
    """
    refuse_criteria(request)
    return await in_transaction(service, request, lambda w: created(w, request, resource_type, resource))


async def created(writing: Writing, request: Request, resource_type: str, resource: Resource) -> Response:
    """A create within a transaction."""
    may_create = writing.service.may_create
    open_to(may_create, resource_type, "create")
    of_type(resource, resource_type)
    refuse_uncreatable(writing.service, resource_type)
    criteria = if_none_exist(request, resource_type)
    if criteria is not None:
        there = await match(writing, resource_type, criteria, "http.If-None-Exist")
        if there is not None:
            return await answer(writing, request, there, "found")
    issues = await check(writing, resource, resource_type)
    written = await writing.writer.create(resource_type, resource)
    await still_own(writing, may_create, written, "create")
    return await answer(writing, request, written, "create", issues=issues)
