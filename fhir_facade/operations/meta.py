"""$meta: a resource's profiles, tags and security labels. https://hl7.org/fhir/R4/resource-operation-meta.html"""

from __future__ import annotations

from capability.operations import ANY
from fhir_facade.content import Response
from fhir_facade.interactions.read import found, validators
from fhir_facade.operations.operation import Invocation, Operation, Parameter
from fhir_facade.service import Service


async def meta(service: Service, call: Invocation) -> Response:
    """Parameters with the Meta of the resource as it is read; 404 where it may not be seen."""
    assert call.resource_type
    assert call.id
    resource = await found(service, call.resource_type, call.id, strict=call.request.states_strict)
    returned = {"name": "return", "valueMeta": resource["meta"]}
    headers = validators(resource)
    return Response({"resourceType": "Parameters", "parameter": [returned]}, 200, headers, served=(resource,))


META = Operation(
    name="meta",
    definition="http://hl7.org/fhir/OperationDefinition/Resource-meta",
    documentation="The profiles, tags, security labels, version and source of one resource.",
    levels=frozenset({"instance"}),
    types=frozenset({ANY}),
    parameters=(Parameter("return", "Meta", "the resource's meta", min=1, use="out"),),
    run=meta,
    cost=1,
)
