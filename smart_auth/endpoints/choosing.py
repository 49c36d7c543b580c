"""The pages on which a user chooses what an app is launched for: a patient, and a visit of that patient.

What is chosen is kept with the request, for this session only; whom a page shows is told before it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fastapi import Request, Response

from smart_auth.config import EncounterChoice, PatientChoice
from smart_auth.endpoints.authorize import Pending
from smart_auth.endpoints.browser import Browser
from smart_auth.endpoints.context import Context, known_context
from smart_auth.endpoints.pages import Page, choosing, encounter_buttons, language, patient_buttons, user_of
from smart_auth.faults import PageFault
from smart_auth.server import AuthorizationServer
from smart_auth.store.sessions import Login

_KINDS = {"patient": "Patient/", "encounter": "Encounter/"}


class Choosing:
    """Shows only what the user may see, and takes nothing else."""

    def __init__(self, server: AuthorizationServer) -> None:
        self._server = server

    async def page(self, request: Request, pending: Pending, login: Login, what: str) -> Response:
        """The page on which a `patient` or an `encounter` is chosen; its own form's `find` narrows it."""
        browser, asked = Browser(self._server, request), request.query_params
        text = asked.get("request", "")
        page = Page(language(request, pending.lang), text, browser.csrf, user_of(login))
        show = self._patients if what == "patient" else self._encounters
        html = await show(page, pending, login, asked.get("find", "")[:100])
        return browser.page(html, redirect_uri=pending.redirect_uri)

    async def patient(self, pending: Pending, login: Login, form: Mapping[str, str]) -> Pending:
        """The request with the patient of the form; 403 for one whom the user may not see."""
        wanted = form.get("patient", "")
        if wanted not in {p.id for p in await self._server.patients(login.user, wanted)}:
            raise PageFault("form", 403)
        return replace(pending, patient=wanted, encounter="", visitless=False, session=login.id)

    async def encounter(self, pending: Pending, login: Login, form: Mapping[str, str]) -> Pending:
        """The request with the visit of the form, or without one; 403 for one that the user may not see, or
        that is not the patient's.
        """
        if "without" in form:
            return replace(pending, encounter="", visitless=True, session=login.id)
        patient, wanted = known_context(pending, login).get("patient", ""), form.get("encounter", "")
        if not wanted or wanted not in {
            e.id for e in await self._server.encounters(login.user, patient, wanted)
        }:
            raise PageFault("form", 403)
        return replace(pending, encounter=wanted, visitless=False, session=login.id)

    async def facts(self, page: Page, pending: Pending, login: Login, context: Context) -> str:
        """The chosen patient and visit, as the consent page tells them."""
        if "patient" not in context:
            return ""
        shown = [_KINDS[name] + context[name] for name in _KINDS if name in context]
        await self._tell("consent", pending, login, "", shown)
        found = page.part("fact", label=page.label("patient"), fact=await self._named(login, context))
        return found + (await self._visit(page, login, context) if "encounter" in context else "")

    async def _visit(self, page: Page, login: Login, context: Context) -> str:
        patient, id_ = context["patient"], context["encounter"]
        seen = await self._server.encounters(login.user, patient, id_)
        visit = next((e for e in seen if e.id == id_), EncounterChoice(id_))
        fact = " · ".join(filter(None, (visit.begin, visit.what, visit.id)))
        return page.part("fact", label=page.label("encounter"), fact=fact)

    async def _patients(self, page: Page, pending: Pending, login: Login, find: str) -> str:
        found = await self._server.patients(login.user, find)
        await self._tell("patient", pending, login, find, [f"Patient/{p.id}" for p in found])
        return choosing(page, "patient", find, patient_buttons(page, found))

    async def _encounters(self, page: Page, pending: Pending, login: Login, find: str) -> str:
        context = known_context(pending, login)
        found = await self._server.encounters(login.user, context["patient"], find)
        shown = [f"Patient/{context['patient']}", *(f"Encounter/{e.id}" for e in found)]
        await self._tell("encounter", pending, login, find, shown)
        patient = page.part("fact", label=page.label("patient"), fact=await self._named(login, context))
        without = page.part("without")
        return choosing(page, "encounter", find, encounter_buttons(page, found), patient, without)

    async def _tell(self, step: str, pending: Pending, login: Login, find: str, shown: Sequence[str]) -> None:
        """Raises UnrecordedFault where it can't be kept: then nothing is shown."""
        user = login.user
        who = {"subject": user.subject, "username": user.username, "fhir_user": user.fhir_user}
        told = {"client_id": pending.client_id, "choosing": step, "find": find, "shown": " ".join(shown)}
        await self._server.tell("choices", **who, **told)

    async def _named(self, login: Login, context: Context) -> str:
        id_ = context["patient"]
        seen = await self._server.patients(login.user, id_)
        named = next((p for p in seen if p.id == id_), PatientChoice(id_, ""))
        return " · ".join(filter(None, (named.name, named.birth_date, named.id)))
