"""FHIR over HTTP: one thin ASGI application below `/api/fhir`. https://hl7.org/fhir/R4/http.html

It is raw ASGI because a web framework's routing costs as much as a read does (docs/decisions/0004).
"""

from __future__ import annotations

import gzip
import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from capability.operations import operation_definition
from fhir_facade.audit.company import Company
from fhir_facade.audit.keeper import Keeper
from fhir_facade.audit.masking import masked_path
from fhir_facade.content import (
    JSON_TYPE,
    Message,
    Receive,
    Request,
    Response,
    Send,
    body,
    dumps,
    negotiate,
    parsed,
    serialized,
    takes_gzip,
)
from fhir_facade.cors import Cors, Hosts
from fhir_facade.export.kick_off import PLACE
from fhir_facade.export.polling import Polling
from fhir_facade.guard import Guard
from fhir_facade.interactions.table import interactions, place
from fhir_facade.operations.dispatch import Operations
from fhir_facade.operations.operation import Operation
from fhir_facade.outcome import FhirFault, not_found, outcome, parameter
from fhir_facade.service import Service
from fhir_facade.streaming import streamed
from fhir_facade.throttle import cost
from mappers.parse import SearchFault

log = logging.getLogger("fhir_facade.access")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")
FORM = "application/x-www-form-urlencoded"
READING = ("GET", "HEAD")
#: no browser takes a resource, or a part of one, for a page or a script
SAFE = {"x-content-type-options": "nosniff"}
SMART_CONFIGURATION = "/.well-known/smart-configuration"


@dataclass(frozen=True)
class Smart:
    """How an app is authorized, and whether a web page's origin is that of a registered app."""

    configuration: dict[str, Any]
    registered: Callable[[str], bool]


class FhirApp:
    """Answers every request below the FHIR base.

    `capabilities` says what the server does, `smart` how apps are authorized, if they are. With a `keeper`,
    nothing is answered that isn't in the audit trail.
    """

    def __init__(
        self,
        service: Service,
        capabilities: Callable[[str], dict[str, Any]],
        guard: Guard,
        smart: Smart | None = None,
        prefix: str = "/api/fhir",
        keeper: Keeper | None = None,
        operations: Sequence[Operation] = (),
        polling: Polling | None = None,
    ) -> None:
        self.service, self.capabilities, self.guard, self.prefix = service, capabilities, guard, prefix
        self.keeper, self.polling = keeper, polling
        self.company = keeper.trail.company if keeper else Company()
        self.smart = smart
        self.cors = Cors(service.settings.cors_allowed_origins, smart.registered if smart else None)
        self.hosts = Hosts(service.settings.base_url)
        self.operations = Operations(operations)
        self.definitions = {o.id: operation_definition(o, service.base) for o in operations}
        self.interactions = interactions(self.entry, self.guard.charge)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One HTTP request."""
        started = time.perf_counter()
        request = _request(scope, self.prefix)
        headers = {**SAFE, "x-request-id": request.request_id, **await self.cors.headers(request)}
        with self.company:
            response = await self._answer(request, receive)
            status, sent, content = self._content(request, response)
        if self.keeper is not None and (fault := await self.keeper.refusal(request, response, status)):
            status, sent, content = self._content(request, Response(outcome(fault.issues()), fault.status))
        sent, with_body = {**headers, **sent, **request.answered_with}, request.method != "HEAD"
        if response.stream is not None and content is None:
            await streamed(receive, send, sent, response.stream, with_body=with_body)
        else:
            await _send(send, status, sent, content or b"", with_body and status != 304)
        if log.isEnabledFor(logging.INFO):
            taken, path = (time.perf_counter() - started) * 1000, masked_path(request.path)
            log.info("%s %s %d %.1f ms %s", request.method, path, status, taken, request.request_id)

    async def _answer(self, request: Request, receive: Receive) -> Response:
        return await self._answered(request, self._handle(request, receive))

    async def _answered(self, request: Request, answer: Awaitable[Response]) -> Response:
        """The answer, or the fault as one; what was refused before it was counted is counted then: it would
        fill the trail for nothing.
        """
        response = await self._told_of(request, answer)
        if response.status < 400 or response.status == 429 or request.answered_with:
            return response
        return await self._told_of(request, self._counted(request, response))

    async def _counted(self, request: Request, response: Response) -> Response:
        await self.guard.charge(request, 1)
        return response

    @staticmethod
    async def _told_of(request: Request, answer: Awaitable[Response]) -> Response:
        """The answer, or the fault as one."""
        try:
            return await answer
        except FhirFault as fault:
            return Response(outcome(fault.issues()), fault.status, dict(fault.headers))
        except SearchFault as fault:  # what only the compiler can tell
            refused = parameter(fault.param, str(fault), fault.code)
            return Response(outcome(refused.issues()), refused.status)
        except Exception:
            logging.getLogger("fhir_facade").exception("request %s failed", request.request_id)
            text = f"the server failed; request {request.request_id}"
            return Response(outcome(FhirFault(500, "exception", text).issues()), 500)

    async def _handle(self, request: Request, receive: Receive) -> Response:
        if request.method == "OPTIONS":
            return Response(None, 204)
        self.hosts.refuse_unknown(request.headers.get("host", "localhost"))
        if len(request.query) > self.service.settings.query_length_limit:
            raise FhirFault(414, "too-long", "the query is too long: send it by POST _search")
        if request.path == SMART_CONFIGURATION and self.smart:
            await self.guard.charge(request, 1)
            return self._smart_configuration(request, self.smart.configuration)
        request.parameters = parsed(request.query)
        if request.path.startswith(f"/{PLACE}/") and self.polling:
            return await self._exported(request, self.polling)
        negotiate(request)
        return await self._route(request, receive)

    async def _route(self, request: Request, receive: Receive) -> Response:
        segments = [unquote(s) for s in request.path.split("/") if s]
        if segments == ["metadata"] or segments[:-1] == ["OperationDefinition"]:
            await self.guard.charge(request, 1)
            return self._told(request, segments)
        service = await self.guard.admitted(request)
        return await self._interaction(service, request, receive, segments)

    async def entry(self, service: Service, request: Request) -> Response:
        """The answer to a Bundle's entry, from whoever sent the Bundle."""

        async def nothing() -> Message:
            return {"type": "http.request", "body": b""}

        segments = [unquote(s) for s in request.path.split("/") if s]
        return await self._answered(request, self._interaction(service, request, nothing, segments))

    async def _interaction(
        self, service: Service, request: Request, receive: Receive, segments: list[str]
    ) -> Response:
        if segments and segments[-1].startswith("$"):
            return await self._operation(service, request, receive, segments)
        by_form = segments[-1:] == ["_search"]
        if by_form:
            await self._form(request, receive)
            segments = segments[:-1]
        at = place(segments)
        await self.guard.charge(request, cost(request, at in ("instance", "version") and not by_form))
        answer = self.interactions.get(("GET" if by_form else request.method, at))
        if answer is None:
            there = [method for method, where in self.interactions if where == at]
            raise _not_allowed(", ".join([*there, "OPTIONS"]))
        return await answer(service, request, receive, segments)

    async def _operation(
        self, service: Service, request: Request, receive: Receive, segments: list[str]
    ) -> Response:
        operation = self.operations.at(service, request, segments)
        await self.guard.charge(request, operation.cost)
        return await self.operations.answer(operation, service, request, receive, segments)

    async def _exported(self, request: Request, polling: Polling) -> Response:
        """What is below the place of exports; its files are no FHIR resources."""
        service = await self.guard.admitted(request)
        await self.guard.charge(request, 1)
        segments = [unquote(s) for s in request.path.split("/") if s]
        return await polling(service, request, segments[1:])

    @staticmethod
    def _smart_configuration(request: Request, told: dict[str, Any]) -> Response:
        """Always JSON, whatever is accepted: https://hl7.org/fhir/smart-app-launch/conformance.html"""
        if request.method not in READING:
            raise _not_allowed("GET, HEAD, OPTIONS")
        return Response(told, 200, {"cache-control": "public, max-age=60"}, "application/json")

    def _told(self, request: Request, segments: list[str]) -> Response:
        """What the server says of itself, to anybody: its CapabilityStatement and OperationDefinitions."""
        if request.method not in READING:
            raise _not_allowed("GET, HEAD, OPTIONS")
        if segments == ["metadata"]:
            return self._metadata(request)
        found = self.definitions.get(segments[-1])
        if found is None:
            raise not_found("there is no OperationDefinition of that id")
        return Response(found, 200, {"cache-control": "public, max-age=60"})

    def _metadata(self, request: Request) -> Response:
        mode = next((v for n, v in request.parameters if n == "mode"), "full")
        if mode not in ("full", "normative", "terminology"):
            raise parameter("mode", "mode is full, normative or terminology")
        return Response(self.capabilities(mode), 200, {"cache-control": "public, max-age=60"})

    async def _form(self, request: Request, receive: Receive) -> None:
        if request.method != "POST":
            raise _not_allowed("POST, OPTIONS")
        raw = await body(receive, self.service.settings.query_length_limit)
        stated = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if raw and stated != FORM:
            raise FhirFault(415, "not-supported", f"a search's body is {FORM}", ("http.Content-Type",))
        try:
            text = raw.decode("ascii")
        except UnicodeDecodeError:
            raise FhirFault(400, "invalid", "a form is ASCII with percent-encoded UTF-8") from None
        request.body_parameters = parsed(text, "body")
        before, request.parameters = request.parameters, request.body_parameters
        if any(n in ("_format", "_pretty") for n, _ in request.parameters):
            negotiate(request)
        request.body_parameters, request.parameters = request.parameters, before

    def _content(self, request: Request, response: Response) -> tuple[int, dict[str, str], bytes | None]:
        """Status, headers and body (None for one that is streamed); what can't be serialized is a 500."""
        headers = response.headers
        if response.stream is not None:
            return response.status, {**headers, "content-type": response.media}, None
        if response.resource is None:
            return response.status, headers, b""
        try:
            content, media = serialized(response.resource, request)
        except Exception:
            logging.getLogger("fhir_facade").exception(
                "request %s: the answer can't be written", request.request_id
            )
            fault = FhirFault(500, "exception", f"the answer can't be written; request {request.request_id}")
            content, media = dumps(outcome(fault.issues())), JSON_TYPE
            return 500, {"content-type": media}, content
        headers = {
            "cache-control": "no-store",
            **headers,
            "content-type": response.media or media,
            "vary": "Accept, Accept-Encoding, Origin, Prefer",
        }
        return response.status, *self._compressed(request, headers, content)

    def _compressed(
        self, request: Request, headers: dict[str, str], content: bytes
    ) -> tuple[dict[str, str], bytes]:
        """gzip at level 1 for who takes it, unless a proxy (which does it better) stands before."""
        behind_proxy = "via" in request.headers or "x-forwarded-for" in request.headers
        takes = takes_gzip(request.headers.get("accept-encoding", ""))
        if takes and len(content) > 1024 and self.service.settings.gzip and not behind_proxy:
            return {**headers, "content-encoding": "gzip"}, gzip.compress(content, 1)
        return headers, content


def _not_allowed(allow: str) -> FhirFault:
    return FhirFault(405, "not-supported", f"this address takes {allow}", headers={"allow": allow})


def _request(scope: Message, prefix: str) -> Request:
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
    stated = headers.get("x-request-id", "")
    request_id = stated if _REQUEST_ID.fullmatch(stated) else os.urandom(8).hex()
    raw = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0].decode("latin-1")[len(prefix) :]
    query, address = scope["query_string"].decode("latin-1"), (scope.get("client") or ("",))[0]
    return Request(scope["method"], path, query, headers, request_id, address=address)


async def _send(send: Send, status: int, headers: dict[str, str], content: bytes, with_body: bool) -> None:
    """The answer; without its body, the headers are those that it would have."""
    if status not in (204, 304):
        headers["content-length"] = str(len(content))
    encoded = [(k.encode(), v.encode("latin-1", "replace")) for k, v in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": content if with_body else b""})
