"""`/api/schema/`, `/api/docs/`, `/api/redoc/`: OpenAPI of everything, and two ways to read it.

Swagger UI and ReDoc come from a package, not from a network: a hospital's browser may have none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from fastapi import APIRouter, FastAPI, Response
from fastapi.openapi.utils import get_openapi

from capability.describe import described
from capability.openapi import paths, schemas
from fhir_facade.documents import result_parameters
from fhir_facade.landing import HTML, SECURITY, account_of, page, read, texts_of
from fhir_facade.own_client import DOCUMENTATION, register
from fhir_facade.service import Service
from smart_auth.server import AuthorizationServer

#: files of the package that ships them, under the names they are served by
ASSETS = {
    "swagger-ui.css": "text/css;charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript;charset=utf-8",
    "redoc.standalone.js": "text/javascript;charset=utf-8",
}
OWN = {"docs.js": "text/javascript;charset=utf-8", "redoc.js": "text/javascript;charset=utf-8"}
#: both set styles of their own, and ReDoc searches in a worker that it makes itself
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; worker-src 'self' blob:; base-uri 'none'; frame-ancestors 'none'"
)


def signs_in(authorization: AuthorizationServer | None) -> bool:
    """Registers the page that tries requests as a client; whether a browser can sign in on it."""
    return authorization is not None and register(authorization, DOCUMENTATION)


def router(service: Service, rest: FastAPI, *, signing_in: bool = False) -> APIRouter:
    """The document, the pages and their files; with `signing_in`, requests are tried by who signs in."""
    routes = APIRouter(prefix="/api", include_in_schema=False)
    document = documented(service, rest)

    @routes.get("/schema/")
    def schema() -> dict[str, Any]:
        """The OpenAPI document; in a thread, since to make it takes seconds once."""
        return document()

    @routes.api_route("/docs/", methods=["GET", "HEAD"])
    async def docs() -> Response:
        """Swagger UI."""
        return page(_docs(service, signing_in), HTML, {"content-security-policy": POLICY})

    @routes.api_route("/redoc/", methods=["GET", "HEAD"])
    async def redoc() -> Response:
        """ReDoc."""
        return page(read("redoc.html"), HTML, {"content-security-policy": POLICY})

    @routes.api_route("/docs/{name}", methods=["GET", "HEAD"])
    async def file(name: str) -> Response:
        """A file of either page."""
        if name in OWN:
            return page(read(name), OWN[name])
        if name in ASSETS:
            return page(_asset(name), ASSETS[name], {"cache-control": "public, max-age=86400"})
        return Response(status_code=404, headers=SECURITY)

    return routes


def _docs(service: Service, signing_in: bool) -> str:
    texts = texts_of("en")  # as Swagger UI is
    account = account_of(service, texts, DOCUMENTATION, "session of the documentation") if signing_in else ""
    return Template(read("docs.html")).substitute(texts, account=account)


@cache
def _asset(name: str) -> str:
    return files("fastapi_offline").joinpath("static", name).read_text("utf-8")


def documented(service: Service, rest: FastAPI) -> Callable[[], dict[str, Any]]:
    """A function that makes the document at its first call: FHIR from the mappings, the rest from FastAPI."""

    @cache
    def build() -> dict[str, Any]:
        types = described(service.mappings)
        document = get_openapi(
            title=rest.title,
            version=rest.version,
            description="FHIR R4 (4.0.1) over the hospital's own databases.",
            routes=rest.routes,
            servers=[{"url": service.settings.base_url}],
        )
        document["paths"] = paths(types, "/api/fhir", result_parameters()) | document.get("paths", {})
        held = document.setdefault("components", {}).setdefault("schemas", {})
        document["components"]["schemas"] = schemas(types) | held
        return document

    return build
