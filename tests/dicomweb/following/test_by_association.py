"""What a scanner sends to Orthanc by C-STORE shows within seconds, as what came by STOW-RS does."""

import gc
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
import pytest_asyncio
from anyio import to_thread

from tests.dicomweb.files import CT, Sent, made
from tests.dicomweb.following.scene import until
from tests.dicomweb.orthanc import over
from tests.dicomweb.stow.sending import LEE, ROOT
from tests.dicomweb.wado.parts import parts_of
from tests.facade.facade import Facade
from tests.services.orthanc import OrthancServer

COMPRESSED = "693_J2KI.dcm"
STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
PIXELS = 'multipart/related; type="application/octet-stream"'


@pytest_asyncio.fixture
async def followed(hospital: Path, orthanc_running: OrthancServer) -> AsyncIterator[Facade]:
    """A running server over Orthanc, with its follower."""
    facade = Facade(over(orthanc_running, hospital))
    rest = facade.app.rest
    async with rest.router.lifespan_context(rest):
        yield facade
    gc.unfreeze()
    gc.set_threshold(700, 10, 10)
    await facade.close()


@pytest.fixture
def study() -> list[Sent]:
    """A CT as a scanner makes it, and one compressed with loss, of one study of Lee's."""
    first = made(CT, PatientID=LEE, AccessionNumber="")
    same = {"StudyInstanceUID": first.address.study, "PatientID": LEE, "AccessionNumber": ""}
    return [first, made(COMPRESSED, **same)]


def saved(folder: Path, sent: list[Sent]) -> list[Path]:
    paths = [folder / f"{number}.dcm" for number, _ in enumerate(sent)]
    for path, one in zip(paths, sent, strict=True):
        path.write_bytes(one.content)
    return paths


def core(dataset: pydicom.Dataset) -> tuple[str, str, bytes]:
    """What an association must leave as it is."""
    return dataset.SOPInstanceUID, dataset.file_meta.TransferSyntaxUID, dataset.PixelData


async def test_a_study_sent_in_an_association_appears_within_seconds(
    followed: Facade, orthanc_running: OrthancServer, study: list[Sent], tmp_path: Path
) -> None:
    uid, first = study[0].address.study, study[0]
    await to_thread.run_sync(orthanc_running.send, *saved(tmp_path, study))

    async def there() -> bool:
        found = await followed.http.get(f"{ROOT}/studies?StudyInstanceUID={uid}")
        return [one["00201208"]["Value"] for one in found.json()] == [[len(study)]]

    await until(there)
    (told,) = (await followed.bundle(f"ImagingStudy?identifier=urn:dicom:uid|urn:oid:{uid}"))["entry"]
    assert told["resource"]["subject"]["reference"] == f"Patient/{LEE}"
    assert told["resource"]["status"] == "available"
    instances = [i["uid"] for series in told["resource"]["series"] for i in series["instance"]]
    assert sorted(instances) == sorted(one.address.instance for one in study)
    path = f"{ROOT}/studies/{uid}/series/{first.address.series}/instances/{first.address.instance}"
    ((_, frame),) = parts_of(await followed.http.get(f"{path}/frames/1", headers={"accept": PIXELS}))
    assert frame == pydicom.dcmread(first.file).PixelData
    files = parts_of(await followed.http.get(f"{ROOT}/studies/{uid}", headers={"accept": STORED}))
    came = [pydicom.dcmread(BytesIO(content)) for _, content in files]
    assert sorted(map(core, came)) == sorted(core(pydicom.dcmread(one.file)) for one in study)
