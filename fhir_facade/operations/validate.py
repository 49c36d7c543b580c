"""$validate: what is wrong with a resource, by R4's own definitions.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from capability.operations import ANY
from fhir_facade.content import Response
from fhir_facade.interactions.read import found
from fhir_facade.operations.operation import Invocation, Operation, Parameter
from fhir_facade.outcome import FhirFault, Issue, outcome, parameter
from fhir_facade.service import Service
from mappers.validation import validate as faults

Resource = dict[str, Any]
_MODES = ("create", "update", "delete", "profile")
_BASE = "http://hl7.org/fhir/StructureDefinition/"
_ALL_OK = Issue("informational", "All OK", "information")


async def validate(service: Service, call: Invocation) -> Response:
    """An OperationOutcome with all that is wrong, or that nothing is; 200 either way."""
    assert call.resource_type
    mode = call.parameters.one("mode")
    if mode not in (None, *_MODES):
        raise parameter("mode", f"mode is one of {', '.join(_MODES)}", "value")
    if mode == "profile" and "profile" not in call.parameters:
        raise parameter("profile", "mode=profile needs the parameter profile", "required")
    sent = call.parameters.one("resource")
    stored = await _stored(service, call, needed=sent is None)
    resource = stored if sent is None else sent
    assert resource is not None
    told = await asyncio.to_thread(faults, resource, call.resource_type)
    issues = [Issue(one.code, one.diagnostics, one.severity, (one.expression,)) for one in told]
    issues += [*_at_the_address(call, resource, mode), *_not_checked(call, resource, mode)]
    served = () if stored is None else (stored,)
    return Response(outcome(issues or [_ALL_OK]), 200, {"cache-control": "no-store"}, served=served)


async def _stored(service: Service, call: Invocation, *, needed: bool) -> Resource | None:
    """The resource at the address; none at a type, where one must be sent."""
    if not needed:
        return None
    if call.id is None:
        raise FhirFault(400, "required", "the parameter resource is missing", ("Parameters.parameter",))
    assert call.resource_type
    return await found(service, call.resource_type, call.id, strict=call.request.states_strict)


def _at_the_address(call: Invocation, resource: Resource, mode: str | None) -> Iterator[Issue]:
    if mode == "update" and call.id is not None and resource.get("id") != call.id:
        yield Issue(
            "invalid", "an update has the id of its address", expression=(f"{call.resource_type}.id",)
        )


def _not_checked(call: Invocation, resource: Resource, mode: str | None) -> Iterator[Issue]:
    """What was asked for and can't be answered: else silence would read as approval."""
    asked = call.parameters.one("profile")
    if asked is not None and not _is_base(asked, call.resource_type):
        yield Issue("not-supported", f"not checked: the profile {asked[:200]}", "warning", ("http.profile",))
    if mode == "delete":
        yield Issue("not-supported", "not checked: what refers to this resource", "warning", ("http.mode",))
    for claimed in _claims(resource):
        if claimed != asked and not _is_base(claimed, call.resource_type):
            where = (f"{call.resource_type}.meta.profile",)
            yield Issue("not-supported", f"not checked: the profile {claimed[:200]}", "information", where)


def _is_base(profile: str, resource_type: str | None) -> bool:
    return profile.partition("|")[0] == f"{_BASE}{resource_type}"


def _claims(resource: Resource) -> list[str]:
    meta = resource.get("meta")
    claimed = meta.get("profile") if isinstance(meta, dict) else None
    return [one for one in claimed if isinstance(one, str)] if isinstance(claimed, list) else []


VALIDATE = Operation(
    name="validate",
    definition="http://hl7.org/fhir/OperationDefinition/Resource-validate",
    documentation="All that is wrong with a resource, sent or stored, by R4's own definitions: any type,"
    " also those that are not served. Profiles are not checked, and that is said.",
    levels=frozenset({"type", "instance"}),
    types=frozenset({ANY}),
    parameters=(
        Parameter("resource", ANY, "the resource; at an instance, without it, the one that is stored"),
        Parameter("mode", "code", "create, update, delete or profile"),
        Parameter("profile", "uri", "a profile; R4's own for the type is the one that is checked"),
        Parameter("return", "OperationOutcome", "what was found", min=1, use="out"),
    ),
    run=validate,
    cost=2,
)
