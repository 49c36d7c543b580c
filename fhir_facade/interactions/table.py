"""Which interaction a method is at an address. https://hl7.org/fhir/R4/http.html#summary"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from fhir_facade.content import Receive, Request, Response
from fhir_facade.interactions.batch import batch
from fhir_facade.interactions.bundles.entries import BATCH, TRANSACTION, writes_in
from fhir_facade.interactions.bundles.requests import Dispatch
from fhir_facade.interactions.create import create
from fhir_facade.interactions.delete import conditional_delete, delete
from fhir_facade.interactions.history import history_instance, history_system, history_type
from fhir_facade.interactions.patch import conditional_patch, patch
from fhir_facade.interactions.read import read
from fhir_facade.interactions.search_type import search_compartment, search_system, search_type
from fhir_facade.interactions.sent import patch_sent, resource_sent
from fhir_facade.interactions.transaction import transaction
from fhir_facade.interactions.update import conditional_update, update
from fhir_facade.interactions.vread import vread
from fhir_facade.outcome import FhirFault, not_found
from fhir_facade.service import Service
from fhir_facade.writes.permitted import refuse_read_only, refuse_uncreatable
from terminology import definitions

#: counts a request of a caller; raises FhirFault 429 for one too many
Charge = Callable[[Request, int], Awaitable[None]]
Interaction = Callable[[Service, Request, Receive, list[str]], Awaitable[Response]]
HISTORY = "_history"


def place(segments: Sequence[str]) -> str:
    """What an address names, as FHIR calls it; raises 404 for nothing."""
    *before, last = segments or ("",)
    if last == HISTORY and len(before) < 3:
        return ("history-system", "history-type", "history-instance")[len(before)]
    if len(segments) == 4 and segments[2] == HISTORY:
        return "version"
    if len(segments) < 4 and HISTORY not in segments:
        return ("system", "type", "instance", "compartment")[len(segments)]
    raise not_found("there is nothing at this address")


def type_at(service: Service, name: str) -> str:
    """A type that is served; raises 404 that tells apart what isn't served and what isn't R4's."""
    if name in service.mappings:
        return name
    if name in definitions.resource_types():
        raise FhirFault(404, "not-supported", f"{name} is not served here")
    raise not_found(f"{name[:64]!r} is no resource type")


def interactions(dispatch: Dispatch, charge: Charge) -> Mapping[tuple[str, str], Interaction]:
    """Each interaction by method and place; `dispatch` answers the entries of a Bundle, and counts them.

    What a transaction writes it does itself: `charge` counts that.
    """

    async def bundled(service: Service, request: Request, receive: Receive, segments: list[str]) -> Response:
        return await _bundle(service, request, receive, dispatch, charge)

    reading: dict[str, Interaction] = {
        "system": _search_system,
        "type": _search_type,
        "instance": _read,
        "compartment": _search_compartment,
        "version": _vread,
        "history-system": _history_system,
        "history-type": _history_type,
        "history-instance": _history_instance,
    }
    writing: dict[tuple[str, str], Interaction] = {
        ("POST", "system"): bundled,
        ("POST", "type"): _create,
        ("PUT", "type"): _update,
        ("PUT", "instance"): _update,
        ("PATCH", "type"): _patch,
        ("PATCH", "instance"): _patch,
        ("DELETE", "type"): _delete,
        ("DELETE", "instance"): _delete,
    }
    return {(m, at): done for at, done in reading.items() for m in ("GET", "HEAD")} | writing


async def _bundle(
    service: Service, request: Request, receive: Receive, dispatch: Dispatch, charge: Charge
) -> Response:
    sent = await resource_sent(request, receive, service.settings.body_limit_bytes)
    request.sent = sent
    if sent["resourceType"] != "Bundle":
        text = "what is sent to the base is a Bundle; a resource is created at the address of its type"
        raise FhirFault(400, "invalid", text, (f"{sent['resourceType']}.resourceType",))
    if sent.get("type") == TRANSACTION:
        await charge(request, writes_in(sent, service.settings.bundle_entry_limit))
        return await transaction(service, request, sent, dispatch)
    if sent.get("type") == BATCH:
        return await batch(service, request, sent, dispatch)
    raise FhirFault(400, "invalid", "the Bundle's type is batch or transaction", ("Bundle.type",))


# the segments of an address become what an interaction asks for


async def _read(service: Service, request: Request, receive: Receive, at: list[str]) -> Response:
    return await read(service, request, type_at(service, at[0]), at[1])


async def _vread(service: Service, request: Request, receive: Receive, at: list[str]) -> Response:
    return await vread(service, request, type_at(service, at[0]), at[1], at[3])


async def _search_system(service: Service, request: Request, receive: Receive, at: list[str]) -> Response:
    return await search_system(service, request)


async def _search_type(service: Service, request: Request, receive: Receive, at: list[str]) -> Response:
    return await search_type(service, request, type_at(service, at[0]))


async def _search_compartment(
    service: Service, request: Request, receive: Receive, at: list[str]
) -> Response:
    code, id_text, kind = at
    if kind.startswith("_"):
        raise not_found("there is nothing at this address")
    within = kind if kind == "*" else type_at(service, kind)
    return await search_compartment(service, request, type_at(service, code), id_text, within)


async def _history_system(service: Service, request: Request, receive: Receive, at: list[str]) -> Response:
    return await history_system(service, request)


async def _history_type(service: Service, request: Request, receive: Receive, at: list[str]) -> Response:
    return await history_type(service, request, type_at(service, at[0]))


async def _history_instance(service: Service, request: Request, receive: Receive, at: list[str]) -> Response:
    return await history_instance(service, request, type_at(service, at[0]), at[1])


async def _create(service: Service, request: Request, receive: Receive, at: list[str]) -> Response:
    kind = type_at(service, at[0])
    refuse_uncreatable(service, kind)
    return await create(service, request, kind, await _resource(service, request, receive))


async def _update(service: Service, request: Request, receive: Receive, at: list[str]) -> Response:
    kind = _to_be_written(service, at)
    resource = await _resource(service, request, receive)
    if len(at) == 1:
        return await conditional_update(service, request, kind, resource)
    return await update(service, request, kind, at[1], resource)


async def _patch(service: Service, request: Request, receive: Receive, at: list[str]) -> Response:
    kind = _to_be_written(service, at)
    body = await patch_sent(request, receive, service.settings.body_limit_bytes)
    if len(at) == 1:
        return await conditional_patch(service, request, kind, body)
    return await patch(service, request, kind, at[1], body)


async def _delete(service: Service, request: Request, receive: Receive, at: list[str]) -> Response:
    kind = _to_be_written(service, at)
    if len(at) == 1:
        return await conditional_delete(service, request, kind)
    return await delete(service, request, kind, at[1])


def _to_be_written(service: Service, at: list[str]) -> str:
    """The type; what can't be written is told before a body is looked at."""
    kind = type_at(service, at[0])
    if len(at) == 1:
        refuse_uncreatable(service, kind)
    else:
        refuse_read_only(service, kind, at[1])
    return kind


async def _resource(service: Service, request: Request, receive: Receive) -> dict[str, object]:
    return await resource_sent(request, receive, service.settings.body_limit_bytes)
