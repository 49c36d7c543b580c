"""The authorization server over HTTP: what is mounted at `/api/auth`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from importlib.resources import files
from typing import Any

import orjson
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, FastAPI, Request, Response

from smart_auth.endpoints import apps as apps_endpoint
from smart_auth.endpoints import end_session
from smart_auth.endpoints import launch as launch_endpoint
from smart_auth.endpoints import session as session_endpoint
from smart_auth.endpoints.browser import PRIVATE, FormFault, decoded, form_pairs
from smart_auth.endpoints.cross_origin import CrossOrigin
from smart_auth.endpoints.discovery import openid_configuration
from smart_auth.endpoints.emergency import Emergencies, emergency
from smart_auth.endpoints.fault_pages import add_faults
from smart_auth.endpoints.interaction import Interaction
from smart_auth.endpoints.token import token_response
from smart_auth.faults import AWAY, AwayFault, OAuthFault, UnrecordedFault
from smart_auth.server import AuthorizationServer
from smart_auth.tokens.introspection import introspected, revoke

#: tokens that are made at once; they may wait for the identity provider, and must hold no thread that others
#: need: whether a page's origin is known is asked for every FHIR request of a browser
TOKENS_AT_ONCE = 40
Answer = Callable[[dict[str, str], str], Awaitable[Any]]


def application(server: AuthorizationServer, emergencies: Emergencies) -> FastAPI:
    """Every address of the authorization server; faults of pages become pages or redirects."""
    # a redirect to the address without its slash would lead to whatever host the request names
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    interaction = Interaction(server)
    _add_pages(app.router, server, interaction)
    _add_style(app.router)
    app.include_router(server.provider.routes(interaction))
    launch_endpoint.add(app.router, server)
    session_endpoint.add(app.router, server)
    apps_endpoint.add(app.router, server)
    end_session.add(app.router, server)
    _add_endpoints(app.router, server, emergencies)
    _add_documents(app.router, server)
    add_faults(app, server)
    return app


def _add_pages(routes: APIRouter, server: AuthorizationServer, steps: Interaction) -> None:
    @routes.get("/authorize")
    async def authorize(request: Request) -> Response:
        return await steps.begin(request, decoded(request.url.query.encode()))

    @routes.post("/authorize")
    async def authorize_by_form(request: Request) -> Response:
        return await steps.begin(request, await form_pairs(request))

    @routes.get("/continue")
    async def proceed(request: Request) -> Response:
        return await steps.proceed(request, request.query_params.get("request", ""))

    @routes.post("/patient")
    async def patient(request: Request) -> Response:
        return await steps.choose_patient(request, dict(await form_pairs(request)))

    @routes.post("/encounter")
    async def encounter(request: Request) -> Response:
        return await steps.choose_encounter(request, dict(await form_pairs(request)))

    @routes.post("/consent")
    async def consent(request: Request) -> Response:
        pairs = await form_pairs(request)
        return await steps.decide(request, dict(pairs), [v for n, v in pairs if n == "scope"])

    @routes.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        return await steps.sign_out(request, dict(await form_pairs(request)))


def _add_style(routes: APIRouter) -> None:
    @routes.get("/style.css")
    async def style() -> Response:
        text = files("smart_auth.endpoints").joinpath("web", "style.css").read_text("utf-8")
        return Response(text, 200, {"cache-control": "public, max-age=300"}, "text/css;charset=utf-8")


def _add_endpoints(routes: APIRouter, server: AuthorizationServer, emergencies: Emergencies) -> None:
    origins = CrossOrigin(server.clients)

    def endpoint(path: str, answer: Answer) -> None:
        async def handle(request: Request) -> Response:
            headers = await to_thread.run_sync(origins.headers, request.headers.get("origin", ""))
            if request.method == "OPTIONS":
                return Response(None, 204, headers)
            try:
                status, content, own = await _answered(server, request, answer)
            except UnrecordedFault as fault:
                status, content, own = _refusal(fault)
            except AWAY as error:
                status, content, own = _refusal(AwayFault(error))
            return _json(content, status, PRIVATE | own | headers)

        routes.add_api_route(path, handle, methods=["POST", "OPTIONS"])

    places: list[CapacityLimiter] = []

    async def token(form: dict[str, str], authorization: str) -> dict[str, Any]:
        if not places:  # made where there is a loop
            places.append(CapacityLimiter(TOKENS_AT_ONCE))
        return await to_thread.run_sync(token_response, server, form, authorization, limiter=places[0])

    endpoint("/token", token)
    endpoint("/introspect", partial(introspected, server))
    endpoint("/revoke", partial(revoke, server))
    endpoint("/emergency", partial(emergency, server, emergencies))


def _add_documents(routes: APIRouter, server: AuthorizationServer) -> None:
    public = {"cache-control": "public, max-age=60", "access-control-allow-origin": "*"}

    @routes.get("/jwks")
    async def jwks() -> Response:
        return _json(await to_thread.run_sync(server.keys.jwks), 200, public)

    @routes.get("/.well-known/openid-configuration")
    async def openid() -> Response:
        return _json(openid_configuration(server.config), 200, public)


async def _answered(
    server: AuthorizationServer, request: Request, answer: Answer
) -> tuple[int, Any, dict[str, str]]:
    """(status, content, headers) of an endpoint for clients; its errors are RFC 6749's."""
    form: dict[str, str] = {}
    try:
        pairs = await form_pairs(request)
        form = dict(pairs)
        if len(form) < len(pairs):
            raise OAuthFault("invalid_request", "a parameter is there twice")
        return 200, await answer(form, request.headers.get("authorization", "")), {}
    except FormFault as fault:
        return 400, {"error": "invalid_request", "error_description": str(fault)}, {}
    except UnrecordedFault:
        raise
    except OAuthFault as fault:
        if not fault.told:
            await server.tell(
                "token-refused",
                client_id=form.get("client_id", "")[:190],
                grant_type=form.get("grant_type", "")[:64],
                reason=str(fault),
            )
        return _refusal(fault)


def _refusal(fault: OAuthFault) -> tuple[int, dict[str, str], dict[str, str]]:
    return fault.status, {"error": fault.error, "error_description": fault.description}, fault.headers


def _json(content: Any, status: int, headers: dict[str, str]) -> Response:
    body = b"" if content is None else orjson.dumps(content)
    return Response(body, status, headers, "application/json")
