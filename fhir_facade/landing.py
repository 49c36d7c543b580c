"""The page at `/`: what this is, who may come in, a patient to follow; a small viewer of JSON; their files.

Pages are complete without scripts. Nothing comes from elsewhere, and no other site may frame them.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.metadata import version
from importlib.resources import files
from string import Template

from fastapi import APIRouter, Request, Response

from fhir_facade.demo_users import demo_users
from fhir_facade.own_client import START_PAGE, OwnClient, register
from fhir_facade.service import Service
from fhir_facade.settings import Settings
from smart_auth.endpoints.pages import language
from smart_auth.server import AuthorizationServer

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
SCRIPT = "text/javascript;charset=utf-8"
MEDIA = {
    "icon.svg": "image/svg+xml",
    "style.css": "text/css;charset=utf-8",
    "account.js": SCRIPT,
    "links.js": SCRIPT,
    "session.js": SCRIPT,
    "view.js": SCRIPT,
    "viewer.js": SCRIPT,
}
HTML = "text/html;charset=utf-8"
Texts = dict[str, str]


@dataclass(frozen=True)
class SignIn:
    """How one comes in: `in_browser` where the pages can sign in, `as_demo` where the demo's users may."""

    in_browser: bool
    as_demo: bool


def sign_in_of(settings: Settings, authorization: AuthorizationServer | None) -> SignIn | None:
    """How one comes in at this site; None where everybody is let in."""
    if not settings.enable_security:
        return None
    if authorization is None:
        return SignIn(in_browser=False, as_demo=False)
    as_demo = settings.embedded and authorization.provider.name == "built-in"
    return SignIn(register(authorization, START_PAGE), as_demo)


def router(service: Service, sign_in: SignIn | None = None) -> APIRouter:
    """`/`, `/view` and `/web/…`; anything else there is not found. Without `sign_in` everybody is let in."""
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/", methods=["GET", "HEAD"])
    async def landing(request: Request, lang: str = "") -> Response:
        """What this is, in the language asked for, else in the browser's."""
        return page(landing_page(service, language(request, lang), sign_in), HTML, VARYING)

    @routes.api_route("/view", methods=["GET", "HEAD"])
    async def view(request: Request, lang: str = "") -> Response:
        """The viewer: what it shows stands behind the `#` and never reaches the server as such."""
        return page(view_page(service, language(request, lang), sign_in), HTML, VARYING)

    @routes.api_route("/web/{name}", methods=["GET", "HEAD"])
    async def file(name: str) -> Response:
        """A file that the pages need."""
        if name not in MEDIA:
            return Response(status_code=404, headers=SECURITY)
        return page(read(name), MEDIA[name], {"cache-control": "public, max-age=300"})

    return routes


VARYING = {"vary": "Accept-Language"}


def page(text: str, media: str, headers: dict[str, str] | None = None) -> Response:
    """An answer with the headers that keep others out."""
    return Response(
        text, media_type=media, headers={"cache-control": "no-cache", **SECURITY, **(headers or {})}
    )


@cache
def read(name: str) -> str:
    """One of the package's files."""
    return files("fhir_facade").joinpath("web", name).read_text("utf-8")


def landing_page(service: Service, lang: str, sign_in: SignIn | None = None) -> str:
    """The page in a language."""
    texts = texts_of(lang)
    kind = "demo" if service.settings.embedded else "real"
    texts |= {"data_kind": texts[f"{kind}_kind"], "honest": texts[f"{kind}_honest"]}
    texts["footer"] = Template(texts["footer"]).substitute(version=version("fhir-facade"))
    return Template(read("landing.html")).substitute(
        texts,
        state=kind,
        degraded=_degraded(service, texts),
        account=_account(service, texts, sign_in),
        access=_access(texts, sign_in),
        patient=_patient(service, texts, lang),
        types="".join(_types(service)),
        curl=escape(_curl(service, sign_in), quote=False),
    )


def view_page(service: Service, lang: str, sign_in: SignIn | None = None) -> str:
    """The viewer in a language."""
    texts = texts_of(lang)
    return Template(read("view.html")).substitute(texts, account=_account(service, texts, sign_in))


def texts_of(lang: str) -> Texts:
    """A language's texts, fit for HTML; those for scripts as one."""
    texts = json.loads(read(f"{lang}.json"))
    texts["script"] = json.dumps(texts["script"], ensure_ascii=False)
    return {"lang": lang, **{name: escape(text) for name, text in texts.items()}}


def _degraded(service: Service, texts: Texts) -> str:
    if not service.degraded:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in service.degraded)
    return f'<div class="degraded">{texts["degraded_title"]}<ul>{items}</ul></div>'


def _account(service: Service, texts: Texts, sign_in: SignIn | None) -> str:
    """Where scripts say who is signed in, and what they need to sign somebody in."""
    if sign_in is None or not sign_in.in_browser:
        return ""
    return account_of(service, texts, START_PAGE, "session")


def account_of(service: Service, texts: Texts, own: OwnClient, kept: str) -> str:
    """That place on a page of one of the server's own clients, whose token is kept under that name."""
    stated = {"origin": escape(service.settings.base_url), "client": own.client_id, "kept": kept}
    stated |= {"scope": own.scopes, "back": own.path}
    return Template(read("account.html")).substitute(texts, **stated)


def _access(texts: Texts, sign_in: SignIn | None) -> str:
    """Who may come in, and how."""
    if sign_in is None:
        return f'<p class="note">{texts["access_off"]}</p>'
    how = "access_no_script" if sign_in.in_browser else "access_no_browser"
    paragraph = f"<p>{texts[how]}</p>"
    how_html = f"<noscript>{paragraph}</noscript>" if sign_in.in_browser else paragraph
    return Template(read("access.html")).substitute(
        texts, how_html=how_html, users_html=_users(texts) if sign_in.as_demo else ""
    )


def _users(texts: Texts) -> str:
    roles = json.loads(read(f"{texts['lang']}.json"))["script"]["roles"]
    items = "".join(
        f"<li><code>{escape(user.username)}</code> {escape(user.name)} "
        f"<span>{escape(', '.join(roles.get(role, role) for role in sorted(user.roles)))}</span></li>"
        for user in demo_users()
    )
    return Template(read("users.html")).substitute(texts, items=items)


def _curl(service: Service, sign_in: SignIn | None) -> str:
    asked = f"'{service.base}/Patient?_count=5'"
    if sign_in is None:
        return f"curl {asked}"
    token = "$(fhir-facade token --user doctor --scope 'user/*.rs')" if sign_in.as_demo else "$TOKEN"
    return f'curl -H "Authorization: Bearer {token}" \\\n  {asked}'


def _patient(service: Service, texts: Texts, lang: str) -> str:
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
