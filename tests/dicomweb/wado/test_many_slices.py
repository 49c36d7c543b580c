"""A CT of 500 slices opens, and is scrolled through, within the limits that a server has by default."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import pytest_asyncio

from dicomweb.index.entry import entry_of
from dicomweb.index.writing import write
from fhir_facade.settings import Settings
from fhir_facade.throttle import IMAGES
from mappers.demo.imaging import STUDIES
from mappers.transaction import transaction
from tests.dicomweb.files import Sent
from tests.dicomweb.slices import slices
from tests.dicomweb.stow.sending import ROOT
from tests.dicomweb.viewer import Viewer
from tests.dicomweb.wado.conftest import NOW
from tests.facade.facade import ORIGIN, Facade, copy_databases, settings_of
from tests.services.orthanc import OrthancServer
from tests.smart_auth.app import App

COUNT, PRIOR = 500, 100
#: two studies of one patient
FIRST, SECOND = STUDIES[1:3]
assert FIRST.patient_id == SECOND.patient_id


class Reading(NamedTuple):
    """A facade with access control over the two studies, a radiologist's token for it, and their slices."""

    facade: Facade
    authorization: str
    sent: Sequence[Sent]

    def viewer(self, *, token: bool) -> Viewer:
        """A viewer that sends the token, or one that sends none."""
        http = httpx.AsyncClient(transport=httpx.ASGITransport(self.facade.app), base_url=ORIGIN)
        return Viewer(http, {"authorization": self.authorization} if token else {})


@pytest_asyncio.fixture(scope="module", params=["embedded", "orthanc"])
async def reading(
    request: pytest.FixtureRequest, made_hospital: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Reading]:
    """On each kind of archive, with access control, audit trail and limits as they are by default."""
    changes, data = dict[str, Any](), tmp_path_factory.mktemp("slices") / "data"
    if request.param == "orthanc":
        server: OrthancServer = request.getfixturevalue("orthanc_running")
        changes = server.settings
    copy_databases(made_hospital, data)
    facade = Facade(settings_of(data, enable_security=True, audit="on", **changes))
    sent = [*slices(FIRST, COUNT), *slices(SECOND, PRIOR)]
    await keep(facade, sent)
    app = App.of(facade, username="radiologist")
    token = (await app.tokens(scope="user/*.rs openid"))["access_token"]
    await app.browser.aclose()
    yield Reading(facade, f"Bearer {token}", sent)
    await facade.close()


async def keep(facade: Facade, sent: Sequence[Sent]) -> None:
    """Puts files into the facade's archive and its index, as fast as that goes."""
    archive, turns = facade.app.follower.archive, asyncio.Semaphore(8)

    async def kept(one: Sent) -> str:
        async with turns:
            return await archive.store(one.address, one.file)

    places = await asyncio.gather(*map(kept, sent))
    async with transaction(facade.service.engine.database) as t:
        for one, place in zip(sent, places, strict=True):
            await write(t, entry_of(one.file), place, "", NOW)


async def test_a_ct_of_500_slices_opens_without_a_429_and_so_does_the_study_after_it(
    reading: Reading,
) -> None:
    by_token, by_cookie = reading.viewer(token=True), reading.viewer(token=False)
    assert len(set(await by_token.open(FIRST.study_instance_uid))) == COUNT
    session = {"authorization": reading.authorization}
    assert (await by_cookie.http.post(f"{ROOT}/session", headers=session)).status_code == 204
    assert len(set(await by_cookie.open(SECOND.study_instance_uid))) == PRIOR
    assert set(by_token.answers) == set(by_cookie.answers) == {200}
    # a cookie is its token: both count in one minute, which has room for many times that
    images = IMAGES * Settings().rate_limit_caller
    assert (by_token.most, by_cookie.most) == (images, images)
    assert 0 < images - by_cookie.left < images / 100


@pytest.mark.parametrize("reading", ["embedded"], indirect=True)
async def test_scrolling_back_and_forth_meets_no_429(reading: Reading) -> None:
    viewer = reading.viewer(token=True)
    paths = ["/studies/{}/series/{}/instances/{}".format(*one.address) for one in reading.sent[:COUNT]]
    await viewer.scroll([*reversed(paths), *paths])
    assert viewer.answers == {200: 2 * COUNT}
