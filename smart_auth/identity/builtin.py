"""Built-in users: their sign-in page and its answer."""

from __future__ import annotations

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response

from smart_auth.access.caller import User
from smart_auth.endpoints.browser import Browser, form_pairs
from smart_auth.endpoints.pages import Page, language
from smart_auth.faults import PageFault
from smart_auth.identity.provider import SignedIn, SignIn
from smart_auth.server import AuthorizationServer
from smart_auth.store.users import Users

#: passwords that are checked at once (each takes 19 MiB), and sign-ins that may wait for their turn
AT_ONCE, WAITING = 2, 200


class BuiltIn:
    """The identity provider of the demo, and of sites without Keycloak."""

    name = "built-in"

    def __init__(self, server: AuthorizationServer) -> None:
        self._server, self.users = server, Users(server.store)
        self.waiting, self._trying = WAITING, 0
        self._places: CapacityLimiter | None = None

    def start(self, pending: str, *, again: bool = False) -> str:
        """The sign-in page; it asks for the password each time, so `again` changes nothing."""
        return f"/login?request={pending}"

    async def current(self, subject: str, held: str) -> User | None:
        """The user, unless they were locked."""
        return await to_thread.run_sync(self.users.get, subject)

    async def sign_out(self, subject: str, held: str) -> None:
        """There is no other session."""

    async def close(self) -> None:
        """There is no connection of its own."""

    def routes(self, sign_in: SignIn) -> APIRouter:
        """`/login`."""
        routes = APIRouter()

        @routes.get("/login")
        async def page(request: Request) -> Response:
            return self._page(request, request.query_params.get("request", ""))

        @routes.post("/login")
        async def login(request: Request) -> Response:
            form = dict(await form_pairs(request))
            Browser(self._server, request).refuse_foreign(form)
            user = await self._authenticated(form.get("username", ""), form.get("password", ""))
            pending = form.get("request", "")
            if user is None:
                await self._server.tell(
                    "login-failed", username=form.get("username", "")[:190], reason="password"
                )
                return self._page(request, pending, form.get("lang", ""), failed=True)
            return await sign_in.finish(request, pending, SignedIn(user), lang=form.get("lang", ""))

        return routes

    async def _authenticated(self, username: str, password: str) -> User | None:
        if self._places is None:
            self._places = CapacityLimiter(AT_ONCE)
        if self._trying >= AT_ONCE + self.waiting:
            raise PageFault("busy", 503)
        # counted here: the limiter's own queue is joined only later, so that a burst would slip past it
        self._trying += 1
        try:
            check = self.users.authenticated
            return await to_thread.run_sync(check, username, password, limiter=self._places)
        finally:
            self._trying -= 1

    def _page(self, request: Request, pending: str, lang: str = "", *, failed: bool = False) -> Response:
        browser = Browser(self._server, request)
        page = Page(language(request, lang), pending, browser.csrf)
        failed_html = f'<p class="failed" role="alert">{page.text("login_failed")}</p>' if failed else ""
        return browser.page(page.html("login", failed_html=failed_html), 403 if failed else 200)
