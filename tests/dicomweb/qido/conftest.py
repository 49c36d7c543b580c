"""Facades with some studies in their index, open to all and with access control."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from dicomweb.http.router import Router
from fhir_facade.imaging.session import WithSession
from fhir_facade.set_up import migrate_embedded
from tests.dicomweb.qido.indexed import clear, fill
from tests.facade.counting import counted
from tests.facade.facade import Facade, copy_databases, embedded_engine, settings_of
from tests.facade.imaged import leave_images
from tests.services.database import DatabaseServer
from tests.smart_auth.badges import Badges

ROOT = "/api/dicom-web"
Json = dict[str, Any]


@dataclass(frozen=True)
class Images:
    """A facade's imaging gateway, as a client sees it."""

    facade: Facade

    @property
    def router(self) -> Router:
        """What answers behind the cookies of viewers."""
        images = self.facade.app.images
        found = images.application if isinstance(images, WithSession) else images
        assert isinstance(found, Router)
        return found

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """GET of a path below its base."""
        return await self.request("GET", path, **headers)

    async def request(self, method: str, path: str, **headers: str) -> httpx.Response:
        """Any request without a body; header names with `_` for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.facade.http.request(method, f"{ROOT}{path}", headers=sent)

    async def found(self, path: str, **headers: str) -> list[Json]:
        """What a search finds; anything else is a failure that shows what came instead."""
        answer = await self.get(path, **headers)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
        results: list[Json] = answer.json()
        return results

    async def studies(self, query: str = "", **headers: str) -> list[str]:
        """The StudyInstanceUIDs of the studies found, in order."""
        return [value(one, "0020000D") for one in await self.found(f"/studies{query}", **headers)]


def value(dataset: Json, tag: str) -> Any:
    """The first value of an attribute; None where it is empty."""
    return next(iter(dataset[tag].get("Value", ())), None)


@pytest.fixture(scope="session")
def badges() -> Badges:
    """The tokens that guarded facades know."""
    return Badges()


@pytest.fixture(scope="module")
def imaged_data(embedded_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the embedded databases with an index of images."""
    folder = tmp_path_factory.mktemp("imaged") / "data"
    copy_databases(embedded_data, folder)
    migrate_embedded(settings_of(folder))
    with embedded_engine(folder).begin() as connection:
        clear(connection)
        fill(connection)
    return folder


@pytest.fixture(scope="module")
def imaged_server(server: DatabaseServer) -> Iterator[DatabaseServer]:
    """Each database server in turn, with the index."""
    with server.engine(server.owner).begin() as connection:
        clear(connection)
        fill(connection)
    yield server
    with server.engine(server.owner).begin() as connection:
        clear(connection)
        leave_images(connection)


@pytest_asyncio.fixture(scope="module")
async def images(imaged_data: Path) -> AsyncIterator[Images]:
    """The embedded gateway, open to all."""
    facade = Facade(settings_of(imaged_data))
    yield Images(facade)
    await facade.close()


@pytest_asyncio.fixture(scope="module")
async def server_images(
    imaged_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Images]:
    """The gateway over each database server in turn, open to all."""
    facade = Facade(settings_of(tmp_path_factory.mktemp("images"), imaged_server))
    yield Images(facade)
    await facade.close()


@pytest_asyncio.fixture(scope="module")
async def guarded_images(imaged_data: Path, badges: Badges) -> AsyncIterator[Images]:
    """The embedded gateway with access control and an audit trail."""
    facade = Facade(settings_of(imaged_data, enable_security=True, audit="on"), badges)
    yield Images(facade)
    await facade.close()


@pytest_asyncio.fixture(scope="module")
async def images_by_care(imaged_data: Path, badges: Badges) -> AsyncIterator[Images]:
    """The embedded gateway on which clinical roles see the patients whom they have to do with."""
    facade = Facade(settings_of(imaged_data, enable_security=True, access_model="care-team"), badges)
    yield Images(facade)
    await facade.close()


@pytest_asyncio.fixture(scope="module")
async def guarded_server_images(
    imaged_server: DatabaseServer, badges: Badges, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Images]:
    """The same over each database server in turn."""
    settings = settings_of(
        tmp_path_factory.mktemp("guarded"), imaged_server, enable_security=True, access_model="care-team"
    )
    facade = Facade(settings, badges)
    yield Images(facade)
    await facade.close()


@pytest.fixture
def asked(images: Images) -> Iterator[Callable[[], list[str]]]:
    """The statements of the embedded gateway since the test began, but for those that come with time."""
    with counted(images.facade) as found:
        yield lambda: found
