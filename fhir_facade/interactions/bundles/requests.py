"""A Bundle's entry as the request that it stands for, and its answer as the entry of the answering Bundle."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from fhir_facade.content import Request, Response, negotiate, parsed
from fhir_facade.interactions.bundles.entries import Entry
from fhir_facade.outcome import FhirFault, Issue, outcome
from fhir_facade.service import Service

Resource = dict[str, Any]
#: answers one request; never raises FhirFault
Dispatch = Callable[[Service, Request], Awaitable[Response]]
_LOCATION = re.compile(r"[A-Za-z]+/[A-Za-z0-9\-.]+(/_history/[A-Za-z0-9\-.]+)?$")


def as_request(request: Request, entry: Entry, resource: Any = None) -> Request:
    """The entry's request, from whom the Bundle came; what it wrote is shown only if the Bundle asks."""
    prefer = request.headers.get("prefer", "return=minimal")
    made = replace(
        request,
        method=entry.method,
        path=f"/{entry.path}",
        query=entry.query,
        headers={"prefer": prefer, **entry.headers},
        parameters=parsed(entry.query),
        body_parameters=[],
        answered_with={},
        sent=entry.resource if resource is None else resource,
    )
    negotiate(made)
    return made


def as_fault(fault: FhirFault, entry: Entry) -> FhirFault:
    """The fault with what it is about as the Bundle sees it."""
    first, *more = (replace(i, expression=_within(i, entry)) for i in fault.issues())
    return FhirFault(fault.status, first.code, first.diagnostics, first.expression, more=tuple(more))


_ASKED = {"If-Match": "ifMatch", "If-None-Exist": "ifNoneExist", "If-None-Match": "ifNoneMatch"}


def _within(issue: Issue, entry: Entry) -> tuple[str, ...]:
    return tuple(_moved(e, entry) for e in issue.expression) or (entry.about(),)


def _moved(expression: str, entry: Entry) -> str:
    head, dot, rest = expression.partition(".")
    if head == "http":
        return entry.about(f"request.{_ASKED.get(rest, 'url')}")
    if head == "Bundle" and entry.path:
        return expression
    return entry.about(f"resource{dot}{rest}") if entry.resource is not None else entry.about()


def as_entry(response: Response) -> Resource:
    """The entry that tells an answer. https://hl7.org/fhir/R4/bundle.html#transaction-response"""
    told: Resource = {"status": f"{response.status} {HTTPStatus(response.status).phrase}"}
    place = response.headers.get("location") or response.headers.get("content-location", "")
    if found := _LOCATION.search(place):
        told["location"] = found[0]
    if etag := response.headers.get("etag"):
        told["etag"] = etag
    if response.served and "last-modified" in response.headers:
        told["lastModified"] = response.served[0]["meta"]["lastUpdated"]
    shown = response.resource
    if shown is None:
        return {"response": told}
    if shown["resourceType"] == "OperationOutcome":
        return {"response": {**told, "outcome": shown}}
    return {"resource": shown, "response": told}


def failed(fault: FhirFault) -> Response:
    """The answer that a fault is."""
    return Response(outcome(fault.issues()), fault.status, dict(fault.headers))


def answered(kind: str, base: str, done: Sequence[tuple[Request, Response]]) -> Response:
    """The Bundle of all answers, in the order of the requests."""
    entries = [_addressed(base, as_entry(response)) for _, response in done]
    bundle: Resource = {"resourceType": "Bundle", "type": f"{kind}-response"}
    if entries:
        bundle["entry"] = entries
    return Response(bundle, served=[r for _, response in done for r in response.served], within=done)


def _addressed(base: str, entry: Resource) -> Resource:
    """With the address of a resource that has one."""
    shown = entry.get("resource", {})
    if "id" not in shown or shown["resourceType"] == "Bundle":
        return entry
    return {"fullUrl": f"{base}/{shown['resourceType']}/{shown['id']}", **entry}
