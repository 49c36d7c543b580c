"""The same over a real Orthanc, which itself fails for some of these files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from dicomweb.archives.orthanc import Orthanc
from tests.dicomweb.orthanc import over
from tests.dicomweb.qido.conftest import Images
from tests.dicomweb.wado.conftest import keep
from tests.dicomweb.wado.parts import parts_of
from tests.dicomweb.wado.samples import LOSSLESS, LOSSY, NAMES, STUDY, path_of, sample, samples
from tests.facade.facade import Facade, settings_of
from tests.services.orthanc import OrthancServer
from tests.services.process import free_port

OCTETS = 'multipart/related; type="application/octet-stream"'


@pytest_asyncio.fixture(scope="module")
async def over_orthanc(
    wado_data: Path, orthanc_running: OrthancServer, orthanc: Orthanc
) -> AsyncIterator[Images]:
    """The gateway over Orthanc, which keeps the samples."""
    facade = Facade(over(orthanc_running, wado_data))
    await keep(orthanc, facade.service.engine.database, samples())
    yield Images(facade)
    await facade.close()


async def test_every_file_comes_back_to_the_byte(over_orthanc: Images) -> None:
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
    answer = await over_orthanc.get(f"/studies/{STUDY}", accept=accept)
    assert sorted(content for _, content in parts_of(answer)) == sorted(map(sample, NAMES))


@pytest.mark.parametrize("name", [*LOSSLESS, *LOSSY])
async def test_every_image_has_frames_and_a_picture(over_orthanc: Images, name: str) -> None:
    for resource in ("/frames/1", "/rendered"):
        answer = await over_orthanc.get(f"{path_of(name)}{resource}")
        assert answer.status_code == 200, answer.text[:200]
    assert (await over_orthanc.get(f"{path_of(name)}/frames/0", accept=OCTETS)).status_code == 404


async def test_while_orthanc_is_down_pixels_are_not_there_yet_and_metadata_is(
    over_orthanc: Images, wado_data: Path
) -> None:
    facade = Facade(settings_of(wado_data, orthanc_api_url=f"http://127.0.0.1:{free_port()}"))
    images = Images(facade)
    for resource in ("", "/frames/1", "/rendered", "/bulkdata/7FE00010"):
        answer = await images.get(path_of("explicit") + resource)
        assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
    assert (await images.get(f"{path_of('explicit')}/metadata")).status_code == 200
    await facade.close()
