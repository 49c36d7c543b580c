"""Passwords: wrong ones lock, nobody learns who exists, and a flood of them costs no memory."""

import asyncio
import gc
import time
import tracemalloc
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import event

from smart_auth.access.caller import User
from smart_auth.store.users import FAILURES, LOCK_SECONDS, Users
from tests.facade.facade import Facade
from tests.smart_auth.app import BUILT_IN, App, server_of

pytestmark = BUILT_IN


@pytest.fixture
def victim(secured: Facade) -> str:
    """A user of this test alone."""
    users = Users(server_of(secured).store)
    name = f"victim-{time.monotonic_ns()}"
    users.add(User("", name, "희생", frozenset({"nurse"}), "Practitioner/user-4"), "the right one")
    return name


async def test_wrong_passwords_lock_a_user_for_some_minutes(
    app: App, victim: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = app.another(username=victim)
    page = await mine.follow(await mine.ask())
    for _ in range(FAILURES):
        refused = await mine.sign_in(page, "wrong")
        assert refused.status_code == 403
    locked = await mine.sign_in(page, "the right one")
    assert locked.status_code == 403
    unknown = await mine.another(username="no-such-user").sign_in(page, "wrong")
    hidden = [refused, locked, unknown]
    assert len({r.text.replace(str(r.url), "") for r in hidden}) == 1
    later = int(time.time()) + LOCK_SECONDS + 1
    monkeypatch.setattr("smart_auth.store.users.now", lambda: later)
    assert 'action="/api/auth/patient"' in (await mine.sign_in(page, "the right one")).text


async def test_a_right_password_forgets_the_wrong_ones(app: App, victim: str) -> None:
    users = Users(server_of(app.facade).store)
    for _ in range(3):
        for _ in range(FAILURES - 1):
            assert users.authenticated(victim, "wrong") is None
        assert users.authenticated(victim.upper(), "the right one") is not None


def test_an_unknown_user_takes_as_long_as_a_wrong_password(secured: Facade, victim: str) -> None:
    users = Users(server_of(secured).store)

    def fastest(name: str) -> float:
        taken = []
        for _ in range(4):
            begun = time.perf_counter()
            assert users.authenticated(name, "wrong") is None
            taken.append(time.perf_counter() - begun)
        return min(taken)

    assert fastest("no-such-user") > fastest(victim) / 3


def test_whoever_is_guessed_at_the_database_does_the_same_work(secured: Facade, victim: str) -> None:
    store, done = server_of(secured).store, list[tuple[str, int]]()
    users = Users(store)
    users.add(User("", f"{victim}-closed", "닫힌", frozenset({"nurse"}), ""), "the right one")
    users.change(f"{victim}-closed", locked=True)

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        verb = statement.split()[0]
        done.append((verb, cursor.rowcount if verb == "UPDATE" else 0))

    def work(name: str) -> list[tuple[str, int]]:
        done.clear()
        assert users.authenticated(name, "wrong") is None
        return [one for one in done if one[0] != "BEGIN"]

    assert users.authenticated("no-such-user", "wrong") is None  # the first of a day makes the row
    event.listen(store.engine, "after_cursor_execute", note)
    try:
        assert (
            work("no-such-user") == work(f"{victim}-closed") == work(victim) == [("SELECT", 0), ("UPDATE", 1)]
        )
    finally:
        event.remove(store.engine, "after_cursor_execute", note)


async def test_many_at_once_are_counted_one_by_one(app: App, victim: str) -> None:
    users = Users(server_of(app.facade).store)
    tries = (asyncio.to_thread(users.authenticated, victim, f"wrong-{n}") for n in range(20))
    assert set(await asyncio.gather(*tries)) == {None}
    assert users.authenticated(victim, "the right one") is None  # locked


async def test_a_flood_of_wrong_passwords_keeps_nothing(app: App) -> None:
    page = await app.follow(await app.ask())

    async def flood(tries: int) -> int:
        for number in range(tries):
            name = f"guess-{number}-{time.monotonic_ns()}"
            assert (await app.another(username=name).sign_in(page, "x" * 5000)).status_code == 403
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        held = [await flood(20) for _ in range(4)]
        # what is kept of each try grows every time, a table that is made larger only once
        assert min(after - before for before, after in pairwise(held)) < 20 * 1000
    finally:
        tracemalloc.stop()


async def test_of_too_many_at_once_some_are_sent_away(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_of(app.facade).provider, "waiting", 3)
    page = await app.follow(await app.ask())
    many = (app.another(username=f"guess-{n}").sign_in(page, "wrong") for n in range(60))
    answers = Counter(response.status_code for response in await asyncio.gather(*many))
    assert set(answers) == {403, 503}
    assert answers[403] >= 3
