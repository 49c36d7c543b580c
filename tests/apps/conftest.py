"""Browsers, and sites for them: the built-in users at http on loopback, Keycloak's at https."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from fhir_facade.keycloak_command import wanted_of
from fhir_facade.settings import Settings
from smart_auth.identity.keycloak.provision import provision
from smart_auth.store.tables import Client
from smart_auth.store.transaction import now
from tests.apps.pages import hosted
from tests.apps.person import Person
from tests.apps.site import Site, site
from tests.apps.tls import https_front
from tests.clients.walk_javascript import MODULES, install
from tests.services.keycloak import Keycloak
from tests.services.packages import cache_folder, locked
from tests.services.process import free_port
from tests.smart_auth.keycloak.plugin import USERS
from tests.smart_auth.keycloak.realms import PASSWORD, Administrator, environment_of, settings_for

#: the name of the site at https, for the browser alone
HOST = "wards.test"
NewPerson = Callable[..., Awaitable[Person]]


@pytest.fixture(scope="session")
def https_port() -> int:
    """Where the browser finds `HOST`."""
    return free_port()


@pytest_asyncio.fixture(scope="session")
async def browser(https_port: int) -> AsyncIterator[Browser]:
    """The system's Chromium."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None and not os.environ.get("CI"):
        pytest.skip("no Chromium")
    painting = "--enable-unsafe-swiftshader"  # there is no graphics card
    arguments = ["--no-sandbox", painting, f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{https_port}"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        await browser.close()


@pytest_asyncio.fixture
async def person(browser: Browser) -> AsyncIterator[NewPerson]:
    """What makes people at browsers of their own, before a site and in a language."""
    contexts = []

    async def new(at: Site, locale: str = "en-US", *, scripts: bool = True) -> Person:
        context = await browser.new_context(
            locale=locale, java_script_enabled=scripts, ignore_https_errors=True
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        return Person(await context.new_page(), at)

    yield new
    for context in contexts:
        await context.close()


@pytest.fixture(scope="session")
def app_origin() -> Iterator[str]:
    """Where the SMART app's pages are, with SMART's own JavaScript client."""
    install()
    with hosted(Path(__file__).parent / "smart_app", MODULES / "fhirclient" / "build") as origin:
        yield origin


def first_app(app_origin: str) -> Client:
    """The app as it is registered."""
    return Client(
        client_id="first-app",
        name="First app",
        kind="public",
        redirect_uris=f"{app_origin}/",
        launch_url=f"{app_origin}/launch.html",
        scopes="launch launch/patient launch/encounter openid fhirUser offline_access patient/*.rs",
        created=now(),
    )


@pytest.fixture(scope="session")
def viewer_folder() -> Path:
    """The image viewer's files, fetched once a machine."""
    folder = cache_folder() / "ohif"
    with locked(folder.with_suffix(".lock")):
        subprocess.run([sys.executable, "tools/viewer.py", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def built_in(
    tmp_path_factory: pytest.TempPathFactory, app_origin: str, viewer_folder: Path
) -> Iterator[Site]:
    """A site with the demo's users."""
    environment = {"VIEWER_ROOT": str(viewer_folder)}
    with site(tmp_path_factory.mktemp("built-in"), environment, apps=(first_app(app_origin),)) as found:
        yield found


@pytest.fixture(scope="session")
def wards(keycloak: Keycloak) -> Settings:
    """Settings of a facade with a realm that the browser reaches at `HOST`."""
    settings = settings_for(keycloak, "wards", public_base_url=f"https://{HOST}")
    operator = keycloak.url, keycloak.admin_user, keycloak.admin_password
    assert list(provision(*operator, wanted_of(settings, USERS)))
    administrator = Administrator.of(keycloak, "wards")
    realm = administrator.get()
    # the one Keycloak of the tests is known by another address
    realm["attributes"]["frontendUrl"] = f"https://{HOST}/api/auth/idp"
    administrator.send("PUT", "", realm)
    administrator.http.close()
    return replace(settings, keycloak_admin_password="", keycloak_admin_user="")


@pytest_asyncio.fixture(scope="session")
async def by_keycloak(
    tmp_path_factory: pytest.TempPathFactory, app_origin: str, wards: Settings, https_port: int
) -> AsyncIterator[Site]:
    """A site whose users are Keycloak's, at https."""
    folder = tmp_path_factory.mktemp("by-keycloak")
    environment = environment_of(wards)
    with site(folder, environment, PASSWORD, (first_app(app_origin),)) as found:
        async with https_front(HOST, https_port, found.port, folder):
            yield found


@pytest.fixture(params=["built_in", "by_keycloak"])
def either(request: pytest.FixtureRequest) -> Site:
    """A site with each identity provider in turn."""
    found: Site = request.getfixturevalue(request.param)
    return found
