"""DICOMweb over HTTP: one ASGI application below `/api/dicom-web`.

https://dicom.nema.org/medical/dicom/current/output/html/part18.html
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from dicomweb.access import Doing, Viewer
from dicomweb.archives.archive import ArchiveDownError
from dicomweb.http.compression import compressed
from dicomweb.http.faults import DicomFault
from dicomweb.http.paths import Paths, address_of
from dicomweb.http.routes import Asked, Edge, Gateway, Route
from dicomweb.http.streaming import Streamed
from mappers.database import SourceDownError, TooComplexError

log = logging.getLogger("dicomweb")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")
DEFAULTS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Router:
    """Answers every request below the DICOMweb base."""

    def __init__(
        self, gateway: Gateway, routes: Sequence[Route], edge: Edge, prefix: str = "/api/dicom-web"
    ) -> None:
        self.gateway, self.paths, self.edge, self.prefix = gateway, Paths(routes), edge, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request."""
        started, request = time.perf_counter(), Request(scope, receive)
        request.state.request_id = _request_id(request)
        response = await self._finished(request, await self._told_of(request))
        await response(scope, receive, _without_body(send) if request.method == "HEAD" else send)
        if log.isEnabledFor(logging.INFO):
            taken = (time.perf_counter() - started) * 1000
            log.info("%s %d %.1f ms %s", request.method, response.status_code, taken, _request_id(request))

    async def _told_of(self, request: Request) -> Response:
        """The answer, or the fault as one."""
        try:
            return await self._answer(request)
        except DicomFault as fault:
            return _refusal(request, fault)
        except ArchiveDownError as down:
            headers = {"retry-after": str(down.retry_after or 10)}
            return _refusal(request, DicomFault(503, "the imaging archive does not answer just now", headers))
        except TooComplexError:
            return _refusal(request, DicomFault(400, "the search asks for too much at once"))
        except SourceDownError:
            return _refusal(request, DicomFault(503, "the database does not answer just now"))
        except Exception:
            log.exception("request %s failed", request.state.request_id)
            return _refusal(request, DicomFault(500, "the server failed"))

    async def _answer(self, request: Request) -> Response:
        routes, placed = self.paths.find(_path(request, self.prefix))
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"allow": _allowed(routes)})
        self.edge.refuse_unknown(request)
        route = routes.get("GET" if request.method == "HEAD" else request.method)
        doing: Doing = route.doing if route else "query"
        viewer: Viewer | None = None
        try:
            viewer = await self.gateway.gate.admitted(request, doing, route.cost if route else 1)
            if route is None:
                raise _not_there(routes)
            request.scope["path_params"] = dict(placed)
            answer = await route.handler(Asked(self.gateway, viewer, request, address_of(placed)))
        except DicomFault as fault:
            fault.headers |= viewer.told if viewer else {}
            await self.gateway.gate.refused(request, doing, fault.status, viewer)
            raise
        for name, value in viewer.told.items():
            answer.headers.setdefault(name, value)
        return answer

    async def _finished(self, request: Request, response: Response) -> Response:
        """With the headers that every answer has; without a body for HEAD."""
        response = compressed(response) if self.edge.compresses(request) else response
        if request.method == "HEAD" and isinstance(response, Streamed):
            await response.close()
            response = Response(status_code=response.status_code, headers=dict(response.headers))
            del response.headers["content-length"]
        for name, value in DEFAULTS.items():
            response.headers.setdefault(name, value)
        response.headers["x-request-id"] = request.state.request_id
        for name, value in (await self.edge.headers(request)).items():
            response.headers[name] = value
        response.headers["vary"] = "Accept, Accept-Encoding, Authorization, Origin"
        return response


def _request_id(request: Request) -> str:
    stated = request.headers.get("x-request-id", "")
    if not hasattr(request.state, "request_id"):
        request.state.request_id = stated if _REQUEST_ID.fullmatch(stated) else os.urandom(8).hex()
    found: str = request.state.request_id
    return found


def _path(request: Request, prefix: str) -> str:
    """The address below the prefix as it was sent: an encoded slash is none."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")[len(prefix) :]


def _refusal(request: Request, fault: DicomFault) -> Response:
    """A fault as JSON: its sentence, and by what name the server's log knows the request."""
    told = {"status": fault.status, "message": fault.text, "requestId": request.state.request_id}
    return JSONResponse(told, fault.status, headers=fault.headers)


def _not_there(routes: Mapping[str, Route]) -> DicomFault:
    if routes:
        return DicomFault(405, f"this address takes {_allowed(routes)}", {"allow": _allowed(routes)})
    return DicomFault(404, "DICOMweb has no such address here")


def _allowed(routes: Mapping[str, Route]) -> str:
    heads = ["HEAD"] if "GET" in routes else []
    return ", ".join([*sorted(routes), *heads, "OPTIONS"])


def _without_body(send: Send) -> Send:
    async def sending(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return sending
