"""From an address with `$` to the operation, its typed parameters, and its answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from capability.operations import ANY
from fhir_facade.content import Receive, Request, Response, body
from fhir_facade.incoming import Resource, incoming
from fhir_facade.interactions.read import refuse_no_id
from fhir_facade.operations.arguments import arguments, told
from fhir_facade.operations.operation import Invocation, Operation
from fhir_facade.outages import outages_told
from fhir_facade.outcome import FhirFault, not_found
from fhir_facade.service import Service
from terminology import definitions

_LEVELS = ("system", "type", "instance")


class Operations:
    """Every operation that is served."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.all = tuple(operations)

    def at(self, service: Service, request: Request, segments: Sequence[str]) -> Operation:
        """The operation at an address; raises FhirFault 404 that lists those there are, or 405."""
        level, resource_type = _place(segments)
        if resource_type:
            self._known(service, level, resource_type)
        if level == "instance":
            refuse_no_id(resource_type, segments[1])
        here = [o for o in self.all if o.at(level, resource_type)]
        name = segments[-1].removeprefix("$")
        named = sorted((o for o in here if o.name == name), key=lambda o: resource_type not in o.types)
        if not named:
            valid = ", ".join(sorted({f"${o.name}" for o in here})) or "none"
            text = f"there is no operation ${name[:64]} here; at this level there are: {valid}"
            raise FhirFault(404, "not-supported", text)
        _refuse_method(named[0], request)
        return named[0]

    def _known(self, service: Service, level: str, resource_type: str) -> None:
        """A type that isn't served has operations only where they don't need one of its resources."""
        if resource_type not in definitions.resource_types():
            raise not_found(f"{resource_type[:64]!r} is no resource type")
        own = any(resource_type in o.types for o in self.all)
        whole = level == "type" and any(ANY in o.types for o in self.all)
        if resource_type not in service.mappings and not own and not whole:
            raise FhirFault(404, "not-supported", f"{resource_type} is not served here")

    async def answer(
        self,
        operation: Operation,
        service: Service,
        request: Request,
        receive: Receive,
        segments: Sequence[str],
    ) -> Response:
        """What the operation answers; faults of sources as a search tells them."""
        sent = await _sent(request, receive, service.settings.body_limit_bytes)
        request.body_parameters = list(told(sent))
        typed, search = arguments(operation, request.parameters, sent)
        resource_type, id_text = (*segments[:-1], None, None)[:2]
        path = "/".join(segments)
        call = Invocation(request, resource_type, id_text, typed, search, path)
        with outages_told():
            return await operation.run(service, call)


def _place(segments: Sequence[str]) -> tuple[str, str]:
    """The level of an address, and its type ('' at the system's)."""
    if len(segments) > len(_LEVELS):
        raise not_found("there is nothing at this address")
    return _LEVELS[len(segments) - 1], segments[0] if len(segments) > 1 else ""


def _refuse_method(operation: Operation, request: Request) -> None:
    allowed = ("POST",) if operation.affects_state else ("GET", "HEAD", "POST")
    if request.method not in allowed:
        allow = ", ".join((*allowed, "OPTIONS"))
        says = f"${operation.name} takes {allow}"
        raise FhirFault(405, "not-supported", says, headers={"allow": allow})


async def _sent(request: Request, receive: Receive, limit: int) -> Resource | None:
    """The resource that was sent, if any: a POST may go without."""
    if request.method != "POST":
        return None
    if request.sent is not None:
        return dict(request.sent)
    if "content-type" in request.headers and request.headers.get("content-length") != "0":
        return await incoming(request, receive, limit)
    if await body(receive, limit):
        raise FhirFault(415, "not-supported", "the body's media type is missing", ("http.Content-Type",))
    return None
