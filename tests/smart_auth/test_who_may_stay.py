"""A browser's session lasts for hours; what it shows is for whom the user is by now."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from smart_auth.endpoints.browser import SESSION_COOKIE
from smart_auth.store.users import Users
from tests.facade.facade import ORIGIN, Facade
from tests.smart_auth.app import AUTH, App, asks_for_password, server_of

PATIENT = "P-2025-000001"


@pytest_asyncio.fixture
async def nurse(own_hospital: Facade) -> AsyncIterator[App]:
    """An app with a nurse's browser; afterwards the nurse is as before."""
    app = App.of(own_hospital, username="nurse")
    yield app
    Users(server_of(own_hospital).store).change("nurse", locked=False, roles="nurse")
    await app.browser.aclose()


async def launch(app: App) -> httpx.Response:
    """What the hospital's own page asks for, in this browser."""
    headers, content = {"origin": ORIGIN}, {"patient": PATIENT}
    return await app.browser.post(f"{AUTH}/launch", headers=headers, json=content)


async def test_who_may_no_longer_come_in_is_shown_nobody_and_begins_no_launch(nurse: App) -> None:
    picker = await nurse.sign_in(await nurse.follow(await nurse.ask()))
    assert PATIENT in picker.text
    assert (await launch(nurse)).status_code == 201
    Users(server_of(nurse.facade).store).change("nurse", locked=True)
    launched = await launch(nurse)
    assert (launched.status_code, "launch" in launched.json()) == (401, False)
    silent = nurse.came_back(await nurse.follow(await nurse.ask(prompt="none")))
    assert silent["error"] == "login_required"
    cookie = nurse.browser.cookies[SESSION_COOKIE]
    chosen = await nurse.submit(picker, "patient", patient=PATIENT)
    shown = await nurse.browser.get(picker.url, headers={"cookie": f"{SESSION_COOKIE}={cookie}"})
    for gone in (chosen, shown):
        assert (gone.status_code, PATIENT in gone.text) == (403, False)
        assert "may no longer sign in" in gone.text
    assert SESSION_COOKIE not in nurse.browser.cookies
    assert asks_for_password(await nurse.follow(await nurse.ask()))


async def test_the_pages_go_by_the_role_of_this_moment(nurse: App) -> None:
    picker = await nurse.sign_in(await nurse.follow(await nurse.ask()))
    assert PATIENT in picker.text
    Users(server_of(nurse.facade).store).change("nurse", roles="external")
    page = await nurse.browser.get(picker.url)
    assert (page.status_code, PATIENT in page.text) == (200, False)
    assert (await nurse.submit(picker, "patient", patient=PATIENT)).status_code == 403
    assert (await launch(nurse)).status_code == 403
