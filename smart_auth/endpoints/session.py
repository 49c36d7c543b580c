"""`DELETE /api/auth/session`: a page of this server signs out whoever is signed in at the browser."""

from __future__ import annotations

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from smart_auth.endpoints.browser import PRIVATE, Browser
from smart_auth.faults import PageFault
from smart_auth.server import AuthorizationServer


def add(routes: APIRouter, server: AuthorizationServer) -> None:
    """Adds the endpoint."""

    @routes.delete("/session")
    async def delete_session(request: Request) -> Response:
        # a script of another origin would have to ask first (CORS), and isn't allowed to
        if request.headers.get("origin") != server.config.base_url:
            raise PageFault("foreign", 403)
        browser = Browser(server, request)
        login = await to_thread.run_sync(server.sessions.of_cookie, browser.session)
        if login is not None:
            await server.sign_out(login)
        response = Response(None, 204, PRIVATE)
        browser.drop_session(response)
        return response
