"""The pages: signing in, choosing a patient, giving consent; in Korean and English, without scripts."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from fastapi import Request

from smart_auth.access.scopes import scope
from smart_auth.config import EncounterChoice, PatientChoice
from smart_auth.store.sessions import Login

LANGUAGES = ("en", "ko")


@dataclass(frozen=True)
class Page:
    """What every page has: its language, the request that it belongs to, and its forms' CSRF token."""

    lang: str
    pending: str = ""
    csrf: str = ""
    user: str = ""

    def text(self, name: str) -> str:
        """A text in the page's language, fit for HTML."""
        return escape(_texts(self.lang)[name])

    def label(self, name: str) -> str:
        """What a fact is called."""
        return _texts(self.lang)[f"{name}_label"]

    def part(self, template: str, **values: str) -> str:
        """A piece of a page."""
        return Template(_read(f"{template}.html")).substitute(self._values(values))

    def html(self, template: str, **values: str) -> str:
        """The whole page; values named `…_html` are HTML already."""
        switch = self.part("switch") if self.pending else ""
        return self.part("frame", main_html=self.part(template, **values), switch_html=switch)

    def _values(self, values: dict[str, str]) -> dict[str, str]:
        own = {
            "lang": self.lang,
            "other": "ko" if self.lang == "en" else "en",
            "pending": self.pending,
            "csrf": self.csrf,
            "user": self.user,
        }
        all_ = _texts(self.lang) | own | values
        return {name: text if name.endswith("_html") else escape(text) for name, text in all_.items()}


def language(request: Request, stated: str = "") -> str:
    """The language chosen on the page, else the stated one, else the first of the browser's, else English."""
    wanted = [request.query_params.get("lang", "") or stated]
    wanted += request.headers.get("accept-language", "").split(",")
    return next((found for w in wanted if (found := w.strip()[:2].lower()) in LANGUAGES), LANGUAGES[0])


def user_of(login: Login) -> str:
    """Who is signed in, as every page says it."""
    return f"{login.user.name} ({login.user.username})"


def choosing(
    page: Page, what: str, find: str, choices_html: str, facts_html: str = "", without_html: str = ""
) -> str:
    """The page on which a `patient` or an `encounter` is chosen; the parts are HTML already."""
    texts = _texts(page.lang)
    return page.html(
        "choosing",
        title=texts[f"{what}_title"],
        about=texts[f"{what}_text"],
        find_label=texts[f"{what}_find"],
        find=find,
        action=what,
        facts_html=facts_html,
        choices_html=choices_html,
        without_html=without_html,
        sign_out_html=page.part("sign_out"),
    )


def patient_buttons(page: Page, patients: Sequence[PatientChoice]) -> str:
    """The patients to choose from, as HTML."""
    texts = _texts(page.lang)
    told = ((p.id, p.name, (p.birth_date, texts.get(f"gender_{p.gender}", ""), p.id)) for p in patients)
    return _buttons(page, "patient", told)


def encounter_buttons(page: Page, encounters: Sequence[EncounterChoice]) -> str:
    """The visits to choose from, as HTML."""
    undated = _texts(page.lang)["no_date"]
    told = ((e.id, _span(e.begin, e.end) or undated, (e.what, e.id)) for e in encounters)
    return _buttons(page, "encounter", told)


def _span(begin: str, end: str) -> str:
    """From when to when; the day is said once."""
    return f"{begin} – {end[11:] if end[:10] == begin[:10] else end}" if begin and end else begin or end


def _buttons(page: Page, field: str, told: Iterable[tuple[str, str, Iterable[str]]]) -> str:
    template = Template(_read("choice.html"))
    buttons = [
        template.substitute(
            field=field,
            id=escape(id_),
            name=escape(name),
            details=escape(" · ".join(filter(None, details))),
        )
        for id_, name, details in told
    ]
    return "".join(buttons) or f"<p>{page.text(f'no_{field}')}</p>"


def permissions(page: Page, scopes: Iterable[str]) -> str:
    """A checkbox for each scope, in plain words, as HTML."""
    template = Template(_read("permission.html"))
    return "".join(
        template.substitute(scope=escape(text), words=escape(words(page.lang, text))) for text in scopes
    )


def words(lang: str, text: str) -> str:
    """A scope in plain words."""
    texts, found = _texts(lang), scope(text)
    if found is None:
        return texts[f"scope_{text.replace('/', '_')}"]
    verbs = ", ".join(texts[f"verb_{p}"] for p in "rscud" if p in found.permissions)
    kind = _kinds(lang).get(found.resource_type, found.resource_type)
    said = Template(texts[f"level_{found.level}"]).substitute(verbs=verbs, kind=kind)
    return f"{said} ({texts['only']} {found.query})" if found.query else said


@cache
def _read(name: str) -> str:
    return files("smart_auth.endpoints").joinpath("web", name).read_text("utf-8")


@cache
def _texts(lang: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(_read(f"{lang}.json"))
    return found


@cache
def _kinds(lang: str) -> dict[str, str]:
    return {row["type"]: row[lang] for row in csv.DictReader(_read("kinds.csv").splitlines())}
