"""What a browser is told when something goes wrong: a page, or the way back to the app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response

from smart_auth.endpoints.authorize import RedirectFault, location
from smart_auth.endpoints.browser import Browser, FormFault, redirect
from smart_auth.endpoints.pages import Page, language
from smart_auth.faults import AWAY, AwayFault, PageFault, UnrecordedFault
from smart_auth.identity.provider import ProviderDownError
from smart_auth.server import AuthorizationServer

Handler = Callable[[Request, Any], Awaitable[Response]]
UNRECORDED = PageFault("unrecorded", 503)


def add_faults(app: FastAPI, server: AuthorizationServer) -> None:
    """Gives the faults of pages their answers."""

    def page(fault_of: Callable[[Any], PageFault]) -> Handler:
        async def handle(request: Request, error: Any) -> Response:
            return _page(server, request, fault_of(error))

        return handle

    async def away(request: Request, error: Any) -> Response:
        return _page(server, request, PageFault("database", AwayFault(error).status))

    async def sent_back(request: Request, fault: Any) -> Response:
        try:
            return await _sent_back(server, fault)
        except UnrecordedFault:  # a handler's own faults reach no other handler
            return _page(server, request, UNRECORDED)

    for kind in AWAY:
        app.add_exception_handler(kind, away)
    app.add_exception_handler(RedirectFault, sent_back)
    app.add_exception_handler(PageFault, page(lambda fault: fault))
    app.add_exception_handler(FormFault, page(lambda _: PageFault("form")))
    app.add_exception_handler(ProviderDownError, page(lambda _: PageFault("provider", 503)))
    app.add_exception_handler(UnrecordedFault, page(lambda _: UNRECORDED))


async def _sent_back(server: AuthorizationServer, fault: RedirectFault) -> Response:
    user = fault.user
    who = {"subject": user.subject, "username": user.username} if user else {}
    await server.tell("token-refused", **who, client_id=fault.client_id, reason=str(fault))
    answer = {"error": fault.error, "error_description": fault.description, "state": fault.state}
    return redirect(location(fault.redirect_uri, {**answer, "iss": server.config.issuer}))


def _page(server: AuthorizationServer, request: Request, fault: PageFault) -> Response:
    page = Page(language(request))
    html = page.html("fault", reason_html=page.text(f"fault_{fault.reason}"))
    browser = Browser(server, request)
    response = browser.page(html, fault.status)
    if fault.reason == "gone":  # who begins again is asked who they are
        browser.drop_session(response)
    return response
