"""From an authorization request to a code: signed in, context known, consent given; each step a page."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence

from anyio import to_thread
from fastapi import Request, Response

from smart_auth.access.allowing import allowed, fitting
from smart_auth.access.scopes import scope
from smart_auth.endpoints.authorize import Pairs, Pending, location, opened, read
from smart_auth.endpoints.browser import Browser, redirect
from smart_auth.endpoints.choosing import Choosing
from smart_auth.endpoints.context import Context, known_context, left_over, to_choose, told
from smart_auth.endpoints.launches import used_up
from smart_auth.endpoints.pages import Page, language, permissions, user_of
from smart_auth.faults import PageFault
from smart_auth.identity.provider import SignedIn, SignedOut
from smart_auth.seal import digest, fresh
from smart_auth.server import AuthorizationServer
from smart_auth.store.sessions import Login
from smart_auth.store.tables import Client, Grant
from smart_auth.store.transaction import now
from smart_auth.tokens.minting import person_json

Choose = Callable[[Pending, Login, Mapping[str, str]], Awaitable[Pending]]
#: a provider's clock may be this much behind
CLOCK_SECONDS = 10


class Interaction:
    """The steps, and what a provider's routes need: this is their `SignIn`."""

    def __init__(self, server: AuthorizationServer) -> None:
        self._server = server
        self._choosing = Choosing(server)

    async def begin(self, request: Request, pairs: Pairs) -> Response:
        """The request that a client sends a browser with; from here on it is sealed."""
        browser = Browser(self._server, request)
        pending = await to_thread.run_sync(read, self._server, pairs, digest(browser.session))
        return browser.go("/continue", request=pending.sealed(self._server), lang=pending.lang)

    async def proceed(self, request: Request, text: str) -> Response:
        """The next step of a request: to sign in, to choose a patient or a visit, or to consent."""
        pending = opened(self._server, text)
        login = await self._login(request, pending)
        if login is None or _again(pending, login):
            if "none" in pending.prompt:
                raise pending.fault("login_required", "nobody is signed in")
            again = login is not None or pending.asks_anew or pending.max_age >= 0
            start, lang = self._server.provider.start(text, again=again), request.query_params.get("lang", "")
            return Browser(self._server, request).go(start, lang=lang)
        if not pending.client_id:
            lang = request.query_params.get("lang", "") or pending.lang
            return Browser(self._server, request).go("/apps", lang=lang)
        context = known_context(pending, login)
        if what := to_choose(pending, login):
            if "none" in pending.prompt:
                raise pending.fault("interaction_required", f"the user has to choose: {what}", login)
            return await self._choosing.page(request, pending, login, what)
        return await self._allowed_or_asked(request, pending, login, context, text)

    async def choose_patient(self, request: Request, form: Mapping[str, str]) -> Response:
        """A patient was chosen."""
        return await self._go_on(request, form, self._choosing.patient)

    async def choose_encounter(self, request: Request, form: Mapping[str, str]) -> Response:
        """A visit was chosen, or to go on without one."""
        return await self._go_on(request, form, self._choosing.encounter)

    async def decide(self, request: Request, form: Mapping[str, str], ticked: Sequence[str]) -> Response:
        """The decision: a code for what was ticked, or the client is told that it was refused."""
        pending, login = await self._of_form(request, form)
        if form.get("decision") != "allow":
            forget = self._server.approvals.forget
            await to_thread.run_sync(forget, login.user.subject, pending.client_id)
            raise pending.fault("access_denied", "the user refused", login)
        context = known_context(pending, login)
        if to_choose(pending, login):
            raise PageFault("form")
        offered = await self._offered(pending, login, context)
        scopes = [text for text in offered if text in ticked]
        context = left_over(context, offered, scopes, login)
        scopes = fitting(scopes, context)
        if not any(scope(text) or text == "openid" for text in scopes):
            raise pending.fault("access_denied", "the user left nothing to be granted", login)
        client, keep = await self._client(pending), self._server.approvals.keep
        who = (login.user.subject, client, pending.redirect_uri)
        await to_thread.run_sync(keep, *who, offered, scopes)
        return await to_thread.run_sync(self._code, pending, login, context, scopes)

    async def sign_out(self, request: Request, form: Mapping[str, str]) -> Response:
        """Ends the session, here and at the provider; then the request goes on with somebody else."""
        browser = Browser(self._server, request)
        browser.refuse_foreign(form)
        login = await to_thread.run_sync(self._server.sessions.of_cookie, browser.session)
        if login is not None:
            await self._server.sign_out(login)
        response = browser.go("/continue", request=form.get("request", ""), lang=form.get("lang", ""))
        browser.drop_session(response)
        return response

    async def finish(
        self, request: Request, pending: str, signed_in: SignedIn, *, lang: str = ""
    ) -> Response:
        """See `SignIn`."""
        opened(self._server, pending)
        user = signed_in.user
        cookie = await to_thread.run_sync(self._server.sessions.start, signed_in)
        await self._server.tell("login", subject=user.subject, username=user.username)
        browser = Browser(self._server, request)
        response = browser.go("/continue", request=pending, lang=lang)
        browser.keep_session(response, cookie)
        return response

    async def refuse(self, request: Request, pending: str, reason: str, username: str = "") -> Response:
        """See `SignIn`."""
        await self._server.tell("login-failed", username=username[:190], reason=reason)
        opened(self._server, pending)
        raise PageFault("sign_in", 403)

    async def ended(self, signed_out: SignedOut) -> None:
        """See `SignIn`."""
        await self._server.signed_out(signed_out)

    async def _login(self, request: Request, pending: Pending) -> Login | None:
        """Who is signed in, as the provider knows them now: a session of hours must not show whom to choose
        from to somebody who has lost their role, or who may no longer come in.
        """
        cookie = Browser(self._server, request).session
        login = await to_thread.run_sync(self._server.sessions.of_cookie, cookie)
        now = await self._server.as_now(login) if login is not None else None
        if now is None and login is not None:
            if "none" in pending.prompt:
                raise pending.fault("login_required", "the user may no longer sign in", login)
            raise PageFault("gone", 403)
        return now

    async def _go_on(self, request: Request, form: Mapping[str, str], choose: Choose) -> Response:
        pending, login = await self._of_form(request, form)
        text = (await choose(pending, login, form)).sealed(self._server)
        return Browser(self._server, request).go("/continue", request=text, lang=form.get("lang", ""))

    async def _of_form(self, request: Request, form: Mapping[str, str]) -> tuple[Pending, Login]:
        Browser(self._server, request).refuse_foreign(form)
        pending = opened(self._server, form.get("request", ""))
        login = await self._login(request, pending)
        if login is None or not pending.client_id:
            raise PageFault("expired")
        return pending, login

    async def _allowed_or_asked(
        self, request: Request, pending: Pending, login: Login, context: Context, text: str
    ) -> Response:
        """A code at once for what the user has allowed before, unless the client wants them to be asked."""
        client, offered = await self._client(pending), await self._offered(pending, login, context)
        who = (login.user.subject, client, pending.redirect_uri)
        covered = await to_thread.run_sync(self._server.approvals.cover, *who, offered)
        if covered and "consent" not in pending.prompt:
            return await to_thread.run_sync(self._code, pending, login, context, offered)
        if "none" in pending.prompt:
            raise pending.fault("consent_required", "the user has not allowed this before", login)
        return await self._ask(request, pending, login, context, text)

    async def _ask(
        self, request: Request, pending: Pending, login: Login, context: Context, text: str
    ) -> Response:
        browser = Browser(self._server, request)
        page = Page(language(request, pending.lang), text, browser.csrf, user_of(login))
        client = await self._client(pending)
        html = page.html(
            "consent",
            client=client.name,
            goes_to=pending.redirect_uri,
            context_html=await self._choosing.facts(page, pending, login, context),
            permissions_html=permissions(page, await self._offered(pending, login, context)),
            sign_out_html=page.part("sign_out"),
            remembered_html=page.part("remembered") if self._remembers(client, pending) else "",
        )
        return browser.page(html, redirect_uri=pending.redirect_uri)

    async def _offered(self, pending: Pending, login: Login, context: Context) -> list[str]:
        """What this client may get from this user in this context; raises RedirectFault for nothing."""
        client = await self._client(pending)
        scopes = self._server.grantable(login.user, allowed(client.scopes, pending.scopes))
        found = fitting(scopes, context)
        if not any(scope(text) or text == "openid" for text in found):
            raise pending.fault(
                "invalid_scope", "nothing that was asked for can be granted to this user", login
            )
        return found

    def _remembers(self, client: Client, pending: Pending) -> bool:
        return self._server.approvals.holds_for(client, pending.redirect_uri)

    async def _client(self, pending: Pending) -> Client:
        client = await to_thread.run_sync(self._server.clients.get, pending.client_id)
        if client is None:
            raise PageFault("client")
        return client

    def _code(self, pending: Pending, login: Login, context: Context, scopes: list[str]) -> Response:
        if pending.launch and used_up(self._server, pending.launch):
            raise pending.fault("invalid_request", "this launch has been used already", login)
        grant = self._grant(pending, login, context, scopes)
        code = self._server.families.begin(grant, pending.redirect_uri, pending.challenge)
        answer = {"code": code, "state": pending.state, "iss": self._server.config.issuer}
        return redirect(location(pending.redirect_uri, answer))

    def _grant(self, pending: Pending, login: Login, context: Context, scopes: list[str]) -> Grant:
        lasting = {"offline_access": "offline", "online_access": "online"}
        return Grant(
            id=fresh(),
            client_id=pending.client_id,
            subject=login.user.subject,
            session=login.id,
            person=self._server.seals.rows.seal([person_json(login.user), login.held]),
            scopes=" ".join(scopes),
            context=json.dumps({**told(context, scopes), "auth_time": login.since}),
            nonce=pending.nonce,
            access=next((a for text, a in lasting.items() if text in scopes), ""),
            created=now(),
            expires=now() + self._server.config.grant_seconds + 2 * self._server.config.code_seconds,
        )


def _again(pending: Pending, login: Login) -> bool:
    """Whether the client wants a sign-in that is newer than this one.

    A session that is newer than the request may stand for an older sign-in: the provider has sessions too.
    """
    if login.id == pending.before:
        return pending.asks_anew or 0 <= pending.max_age < now() - login.since
    oldest = pending.begun - (0 if pending.asks_anew else pending.max_age)
    return (pending.asks_anew or pending.max_age >= 0) and login.since + CLOCK_SECONDS < oldest
