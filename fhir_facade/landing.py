"""The page at `/`: what this is and a patient to follow; a small viewer of JSON; the files they need.

Pages are complete without scripts. Nothing comes from elsewhere, and no other site may frame them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.metadata import version
from importlib.resources import files
from string import Template

from fastapi import APIRouter, Request, Response

from fhir_facade.service import Service

LANGUAGES = ("en", "ko")
SECURITY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
MEDIA = {
    "icon.svg": "image/svg+xml",
    "style.css": "text/css;charset=utf-8",
    "links.js": "text/javascript;charset=utf-8",
    "view.js": "text/javascript;charset=utf-8",
}
HTML = "text/html;charset=utf-8"


def router(service: Service) -> APIRouter:
    """`/`, `/view` and `/web/…`; anything else there is not found."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/", methods=["GET", "HEAD"])
    async def landing(request: Request, lang: str = "") -> Response:
        """What this is, in the language asked for, else in the browser's."""
        chosen = lang if lang in LANGUAGES else preferred(request.headers.get("accept-language", ""))
        return page(landing_page(service, chosen), HTML, {"vary": "Accept-Language"})

    @routes.api_route("/view", methods=["GET", "HEAD"])
    async def view() -> Response:
        """The viewer: what it shows stands behind the `#` and never reaches the server as such."""
        return page(read("view.html"), HTML)

    @routes.api_route("/web/{name}", methods=["GET", "HEAD"])
    async def file(name: str) -> Response:
        """A file that the pages need."""
        if name not in MEDIA:
            return Response(status_code=404, headers=SECURITY)
        return page(read(name), MEDIA[name], {"cache-control": "public, max-age=300"})

    return routes


def page(text: str, media: str, headers: dict[str, str] | None = None) -> Response:
    """An answer with the headers that keep others out."""
    return Response(
        text, media_type=media, headers={"cache-control": "no-cache", **SECURITY, **(headers or {})}
    )


@cache
def read(name: str) -> str:
    """One of the package's files."""
    return files("fhir_facade").joinpath("web", name).read_text("utf-8")


def preferred(accept: str) -> str:
    """The first language of the browser's list that there is; English if none."""
    for item in accept.split(","):
        language = item.strip()[:2].lower()
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]


def landing_page(service: Service, lang: str) -> str:
    """The page in a language."""
    texts: dict[str, str] = {k: escape(v) for k, v in json.loads(read(f"{lang}.json")).items()}
    kind = "demo" if service.settings.embedded else "real"
    texts |= {"data_kind": texts[f"{kind}_kind"], "honest": texts[f"{kind}_honest"]}
    texts["footer"] = Template(texts["footer"]).substitute(version=version("fhir-facade"))
    return Template(read("landing.html")).substitute(
        texts,
        lang=lang,
        state=kind,
        degraded=_degraded(service, texts),
        patient=_patient(service, texts, lang),
        types="".join(_types(service)),
        base=escape(service.base),
    )


def _degraded(service: Service, texts: dict[str, str]) -> str:
    if not service.degraded:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in service.degraded)
    return f'<div class="degraded">{texts["degraded_title"]}<ul>{items}</ul></div>'


def _patient(service: Service, texts: dict[str, str], lang: str) -> str:
    """The demo's patient; nothing over real databases, where no patient is there to be shown around."""
    if not service.settings.embedded:
        return ""
    cards = "".join(
        f'<li><a data-fhir href="{_address(path)}"><b>{escape(text)}</b><span>{escape(path)}</span></a></li>'
        for path, text in _cards(service, lang)
    )
    return Template(read("patient.html")).substitute(texts, cards=cards)


def _cards(service: Service, lang: str) -> Iterator[tuple[str, str]]:
    for row in csv.DictReader(read("cards.csv").splitlines()):
        if row["path"].partition("?")[0].partition("/")[0] in service.mappings:
            yield row["path"], row[lang]


def _types(service: Service) -> Iterator[str]:
    for name in service.mappings:
        yield f'<li><a data-fhir href="{_address(f"{name}?_count=10")}">{name}</a></li>'


def _address(path: str) -> str:
    joint = "&" if "?" in path else "?"
    return escape(f"/api/fhir/{path}{joint}_pretty=true&_format=json")
