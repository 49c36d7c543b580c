"""$meta, $meta-add and $meta-delete: a resource's profiles, tags and security labels.

https://hl7.org/fhir/R4/resource-operation-meta.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from capability.operations import ANY
from fhir_facade.content import Response
from fhir_facade.interactions.patch import patched
from fhir_facade.interactions.read import found, validators
from fhir_facade.operations.operation import Invocation, Operation, Parameter
from fhir_facade.outcome import FhirFault
from fhir_facade.preconditions import if_match, returned
from fhir_facade.service import Service
from fhir_facade.writes.writing import Writing, in_transaction

Resource = dict[str, Any]
Meta = Mapping[str, Any]
#: what these operations speak of; all else in a Meta is the server's
NAMES = ("profile", "tag", "security")
#: what is there and what was named become what will be there
Change = Callable[[Sequence[Any], Sequence[Any]], list[Any]]
Run = Callable[[Service, Invocation], Awaitable[Response]]


async def meta(service: Service, call: Invocation) -> Response:
    """Parameters with the Meta of the resource as it is read; 404 where it may not be seen."""
    assert call.resource_type
    assert call.id
    resource = await found(service, call.resource_type, call.id, strict=call.request.states_strict)
    return _told(resource)


def _told(resource: Resource) -> Response:
    return Response(_parameters(resource), 200, validators(resource), served=(resource,))


def _parameters(resource: Resource) -> Resource:
    told = {"name": "return", "valueMeta": resource["meta"]}
    return {"resourceType": "Parameters", "parameter": [told]}


async def meta_add(service: Service, call: Invocation) -> Response:
    """The Meta with what was named in it; nothing is written where it was there already."""
    return await _changed(service, call, _with)


async def meta_delete(service: Service, call: Invocation) -> Response:
    """The Meta without what was named; nothing is written where there was none of it.

    What the server itself says of a resource stays, as it isn't the client's.
    """
    return await _changed(service, call, _without)


def _with(there: Sequence[Any], named: Sequence[Any]) -> list[Any]:
    known = {_identity(one) for one in there}
    return [*there, *{_identity(one): one for one in named if _identity(one) not in known}.values()]


def _without(there: Sequence[Any], named: Sequence[Any]) -> list[Any]:
    unwanted = {_identity(one) for one in named}
    return [one for one in there if _identity(one) not in unwanted]


def _identity(one: Any) -> str:
    """A profile is its address; tags and labels are the same whose system and code are."""
    return repr((one.get("system"), one.get("code")) if isinstance(one, Mapping) else one)


class _UnchangedError(Exception):
    """There is nothing to write."""

    def __init__(self, resource: Resource) -> None:
        super().__init__()
        self.resource = resource


async def _changed(service: Service, call: Invocation, change: Change) -> Response:
    assert call.resource_type
    assert call.id
    kind, id_text, request = call.resource_type, call.id, call.request
    named, asked = _named(call.parameters.one("meta")), if_match(request)

    def make(resource: Resource) -> Resource:
        before = resource["meta"]
        after = {name: change(before.get(name, ()), named[name]) for name in NAMES}
        same = all(after[name] == list(before.get(name, ())) for name in NAMES)
        if same and asked in (None, before["versionId"]):
            raise _UnchangedError(resource)
        others = {name: value for name, value in before.items() if name not in NAMES}
        return {**resource, "meta": {**others, **{n: value for n, value in after.items() if value}}}

    async def work(writing: Writing) -> Response:
        return _answer(call, await patched(writing, request, kind, id_text, make))

    try:
        return await in_transaction(service, request, work)
    except _UnchangedError as same:
        return _told(same.resource)


def _answer(call: Invocation, response: Response) -> Response:
    """The Meta of what was written; of what may not be read, nothing but that it is done."""
    if returned(call.request) == "representation" and response.resource is not None:
        response.resource = _parameters(response.resource)
    return response


def _named(meta: Meta) -> dict[str, list[Any]]:
    """What a Meta names; raises 400 for one that names nothing, or not as lists."""
    found = {name: meta.get(name, []) for name in NAMES}
    if not all(isinstance(value, list) for value in found.values()) or not any(found.values()):
        text = "the Meta names profiles, tags or security labels, each in a list"
        raise FhirFault(400, "required", text, ("Parameters.parameter.valueMeta",))
    return found


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


def _changing(name: str, documentation: str, what: str, run: Run) -> Operation:
    version = "Unlike the standard's, it makes a new version: nothing here changes what a version said."
    return Operation(
        name=name,
        definition=f"http://hl7.org/fhir/OperationDefinition/Resource-{name}",
        documentation=f"{documentation} {version}",
        levels=frozenset({"instance"}),
        types=frozenset({ANY}),
        affects_state=True,
        parameters=(
            Parameter("meta", "Meta", what, min=1),
            Parameter("return", "Meta", "the resource's meta as it is now", min=1, use="out"),
        ),
        run=run,
        cost=2,
    )


META_ADD = _changing(
    "meta-add",
    "Adds profiles, tags and security labels to a resource; what is there already stays as it is.",
    "what is added",
    meta_add,
)
META_DELETE = _changing(
    "meta-delete",
    "Takes profiles, tags and security labels from a resource, but for those that the server itself says.",
    "what is taken away: profiles by their address, the others by system and code",
    meta_delete,
)
