"""What a write answers. https://hl7.org/fhir/R4/http.html#create, https://hl7.org/fhir/R4/http.html#return"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhir_facade.content import Request, Response
from fhir_facade.interactions.read import validators
from fhir_facade.outcome import Issue, outcome
from fhir_facade.preconditions import returned
from fhir_facade.writes.permitted import seen
from fhir_facade.writes.writing import Writing

Resource = dict[str, Any]
_DONE = {"create": "created", "update": "updated", "patch": "patched", "found": "found: nothing is written"}


async def answer(
    writing: Writing,
    request: Request,
    resource: Resource,
    what: str,
    *,
    before: Resource | None = None,
    issues: Sequence[Issue] = (),
) -> Response:
    """The answer to what became of a resource; it is shown only to who may read it."""
    kind, id_, version = resource["resourceType"], resource["id"], resource["meta"]["versionId"]
    location = f"{writing.service.base}/{kind}/{id_}/_history/{version}"
    headers = {**validators(resource), "cache-control": "no-store"}
    headers["location" if what == "create" else "content-location"] = location
    served = [resource] if before is None else [resource, before]
    status = 201 if what == "create" else 200
    body = await _body(writing, request, resource, what, issues)
    return Response(body, status, headers, served=served)


async def _body(
    writing: Writing, request: Request, resource: Resource, what: str, issues: Sequence[Issue]
) -> Resource | None:
    asked = returned(request)
    if asked == "minimal":
        return None
    if asked == "OperationOutcome":
        address = f"{resource['resourceType']}/{resource['id']}"
        done = Issue("informational", f"{address} {_DONE[what]}", "information")
        return outcome([done, *issues])
    return await seen(writing, writing.service.may_read, resource["resourceType"], resource["id"])
