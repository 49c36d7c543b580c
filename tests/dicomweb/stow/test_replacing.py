"""A server that is set to replace instances (STOW_REPLACES), over archives that do and that don't."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from tests.dicomweb.orthanc import over
from tests.dicomweb.stow.sending import ROOT, Image, Sender, failures, image, stored
from tests.facade.facade import Facade, settings_of
from tests.services.orthanc import OrthancServer, orthanc_server


@pytest_asyncio.fixture(params=["embedded", "orthanc"])
async def replacing(request: pytest.FixtureRequest, hospital: Path) -> AsyncIterator[Sender]:
    """Sends to a facade that replaces, over each kind of archive."""
    settings = settings_of(hospital)
    if request.param == "orthanc":
        settings = over(request.getfixturevalue("orthanc_running"), hospital)
    facade = Facade(replace(settings, stow_replaces=True))
    yield Sender(facade)
    await facade.close()


@pytest.fixture(scope="module")
def keeping() -> Iterator[OrthancServer]:
    """An Orthanc that replaces nothing."""
    with orthanc_server(overwrite=False) as server:
        yield server


async def kept(sender: Sender, one: Image) -> bytes:
    """The file that is served."""
    accept = {"accept": "application/dicom; transfer-syntax=*"}
    return (await sender.facade.http.get(f"{ROOT}{one.address}", headers=accept)).content


async def station(sender: Sender, one: Image) -> str:
    """What its metadata says."""
    (told,) = (await sender.facade.http.get(f"{ROOT}{one.address}/metadata")).json()
    found: str = told["00081010"]["Value"][0]
    return found


async def test_an_instance_that_differs_takes_the_place_of_the_one_of_its_uid(replacing: Sender) -> None:
    first = image(StationName="FIRST")
    second = image(first.study, first.series, first.instance, StationName="SECOND")
    assert (await replacing.store(first)).status_code == 200
    assert await station(replacing, first) == "FIRST"
    answer = await replacing.store(second)
    assert (answer.status_code, stored(answer)) == (200, [first.instance])
    assert await kept(replacing, first) == second.content
    assert await station(replacing, first) == "SECOND"


async def test_an_orthanc_that_replaces_nothing_keeps_what_it_has_and_that_is_said(
    hospital: Path, keeping: OrthancServer
) -> None:
    sender = Sender(Facade(replace(over(keeping, hospital), stow_replaces=True)))
    first = image(StationName="FIRST")
    second = image(first.study, first.series, first.instance, StationName="SECOND")
    another = image(first.study, first.series)
    assert (await sender.store(first)).status_code == 200
    answer = await sender.store(second, another)
    assert (answer.status_code, failures(answer), stored(answer)) == (202, [0x0111], [another.instance])
    assert "it is set to replace none" in answer.headers["warning"]
    assert await kept(sender, first) == first.content
    assert await station(sender, first) == "FIRST"
    assert (await sender.store(first)).status_code == 200
    await sender.facade.close()
