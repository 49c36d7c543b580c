"""The image viewer (OHIF) below `/pacs-viewer`: static files, and the page by which one comes in.

`tools/viewer.py` makes the files ready; without them a page says how to get them. https://docs.ohif.org
"""

from __future__ import annotations

import mimetypes
from html import escape
from pathlib import Path
from string import Template

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from fhir_facade.content import takes_gzip
from fhir_facade.landing import HTML, SECURITY, page, read, texts_of
from fhir_facade.own_client import VIEWER, register
from fhir_facade.settings import Settings
from smart_auth.endpoints.pages import language
from smart_auth.server import AuthorizationServer

PREFIX = "/pacs-viewer"
#: OHIF styles itself from scripts, compiles WebAssembly and works in workers made from blobs; nothing of it
#: comes from elsewhere, and nothing goes there
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "worker-src 'self' blob:; connect-src 'self' blob: data:; object-src 'none'; base-uri 'self'; "
    "frame-ancestors 'self'"
)
HEADERS = {
    **{k: v for k, v in SECURITY.items() if k != "x-frame-options"},
    "content-security-policy": POLICY,
    "x-frame-options": "SAMEORIGIN",
}
#: names with a digest in them never change their content
KEPT = "public, max-age=31536000, immutable"
ASKED = "no-cache"
TYPES = {".js": "text/javascript;charset=utf-8", ".wasm": "application/wasm", ".woff2": "font/woff2"}


def signs_in(authorization: AuthorizationServer | None) -> bool:
    """Whether the viewer's launch page is a SMART app here; registers it."""
    return authorization is not None and register(authorization, VIEWER)


def router(settings: Settings, by_launch: bool) -> APIRouter:
    """`/pacs-viewer/…`. `by_launch`: one needs a session to see images, which its launch page begins."""
    routes = APIRouter(include_in_schema=False)
    folder = settings.viewer_folder

    @routes.api_route(PREFIX, methods=["GET", "HEAD"])
    async def without_slash(request: Request) -> Response:
        """The viewer's own address ends with a slash."""
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{PREFIX}/{query}", 308)

    @routes.api_route(f"{PREFIX}/launch", methods=["GET", "HEAD"])
    async def launch(request: Request, lang: str = "") -> Response:
        """The SMART app that signs in, for one patient, and goes on to the viewer with a cookie."""
        if not by_launch:
            return RedirectResponse(f"{PREFIX}/", 303)
        return page(_launch_page(settings, language(request, lang)), HTML, {"vary": "Accept-Language"})

    @routes.api_route(f"{PREFIX}/{{path:path}}", methods=["GET", "HEAD"])
    async def file(request: Request, path: str, lang: str = "") -> Response:
        """A file; a page of the viewer for what is none."""
        if not (folder / "index.html").exists():
            return page(_missing_page(language(request, lang)), HTML, {"vary": "Accept-Language"})
        zipped = takes_gzip(request.headers.get("accept-encoding", ""))
        return await to_thread.run_sync(_answer, folder, path, zipped)

    return routes


def _answer(folder: Path, path: str, zipped: bool) -> Response:
    found = _inside(folder, path or "index.html")
    if found is None:
        if "." in path.rpartition("/")[2]:
            return Response(status_code=404, headers=HEADERS)
        found = folder / "index.html"
    kind = TYPES.get(found.suffix) or mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    fixed = ".bundle." in found.name and found.suffix == ".js"
    headers = HEADERS | {"cache-control": KEPT if fixed else ASKED, "vary": "Accept-Encoding"}
    beside = found.with_name(found.name + ".gz")
    if zipped and beside.exists():
        return FileResponse(beside, media_type=kind, headers=headers | {"content-encoding": "gzip"})
    return FileResponse(found, media_type=kind, headers=headers)


def _inside(folder: Path, path: str) -> Path | None:
    """The file of that name in the folder; None for what is none, can be none, or lies outside."""
    try:
        found = (folder / path).resolve()
        return found if found.is_relative_to(folder.resolve()) and found.is_file() else None
    except (OSError, ValueError):
        return None


def _launch_page(settings: Settings, lang: str) -> str:
    own = {"origin": escape(settings.base_url), "client": VIEWER.client_id, "scope": VIEWER.scopes}
    return _page("viewer_launch.html", lang, **own, back=VIEWER.path)


def _missing_page(lang: str) -> str:
    return _page("viewer_missing.html", lang)


def _page(name: str, lang: str, **more: str) -> str:
    """A page in a language, with what its file says inside."""
    texts = texts_of(lang)
    inside = Template(read(name)).substitute(texts, **more).rstrip()
    return Template(read("viewer.html")).substitute(texts, inside=inside)
