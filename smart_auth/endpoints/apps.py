"""`/api/auth/apps`: the apps that a user has let in, and what each may; any of them is shut out again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from smart_auth.endpoints.authorize import Pending
from smart_auth.endpoints.browser import Browser, form_pairs
from smart_auth.endpoints.pages import LANGUAGES, Page, language, user_of, words
from smart_auth.faults import PageFault
from smart_auth.server import AuthorizationServer
from smart_auth.store.sessions import Login

#: what a sign-in for this page stands for: no client, and no way back but here
OWN = Pending(client_id="", redirect_uri="", scopes=(), challenge="")


def add(routes: APIRouter, server: AuthorizationServer) -> None:
    """Adds the page and its form's answer."""

    @routes.get("/apps")
    async def apps(request: Request) -> Response:
        browser, lang = Browser(server, request), request.query_params.get("lang", "")
        login = await to_thread.run_sync(server.sessions.of_cookie, browser.session)
        if login is None:
            begun = replace(OWN, lang=lang if lang in LANGUAGES else "")
            return browser.go("/continue", request=begun.sealed(server), lang=lang)
        page = Page(language(request), OWN.sealed(server), browser.csrf, user_of(login))
        return browser.page(await to_thread.run_sync(_page, server, page, login))

    @routes.post("/apps")
    async def shut_out(request: Request) -> Response:
        browser, form = Browser(server, request), dict(await form_pairs(request))
        browser.refuse_foreign(form)
        login = await to_thread.run_sync(server.sessions.of_cookie, browser.session)
        if login is None:
            raise PageFault("expired")
        await _end(server, login, form)
        return browser.go("/apps", lang=form.get("lang", ""))


async def _end(server: AuthorizationServer, login: Login, form: Mapping[str, str]) -> None:
    client_id, user = form.get("client_id", ""), login.user
    seconds = server.config.revoked_seconds
    await to_thread.run_sync(server.approvals.end, user.subject, client_id, seconds)
    await server.tell(
        "token-revoked",
        client_id=client_id[:190],
        subject=user.subject,
        username=user.username,
        reason="the user shut the app out",
    )


def _page(server: AuthorizationServer, page: Page, login: Login) -> str:
    apps = [_app(server, page, *app) for app in server.approvals.apps(login.user.subject).items()]
    apps_html = "".join(filter(None, apps)) or f"<p>{page.text('no_apps')}</p>"
    return page.html("apps", apps_html=apps_html, sign_out_html=page.part("sign_out"))


def _app(server: AuthorizationServer, page: Page, client_id: str, scopes: list[str]) -> str:
    client = server.clients.get(client_id)
    if client is None:
        return ""
    items = "".join(page.part("item", text=words(page.lang, text)) for text in scopes)
    return page.part("app", client=client.name, client_id=client_id, scopes_html=items)
