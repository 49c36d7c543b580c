"""dicomweb-client, as a user of all that it offers, before each kind of archive."""

from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pydicom
import pytest
import pytest_asyncio
import requests
import uvicorn
from dicomweb_client import DICOMwebClient
from pydicom import Dataset

from tests.dicomweb.files import CT, MR, made
from tests.dicomweb.qido.conftest import ROOT
from tests.dicomweb.stow.sending import KIM
from tests.dicomweb.wado.conftest import keep
from tests.dicomweb.wado.samples import NAMES, PATIENT, STUDY, address_of, sample, samples
from tests.facade.facade import Facade, settings_of
from tests.services.orthanc import OrthancServer
from tests.services.process import free_port

T = TypeVar("T")
AS_STORED = (("application/dicom", "*"),)
PNG, JPEG = b"\x89PNG", b"\xff\xd8\xff"


@pytest_asyncio.fixture(scope="module", params=["embedded", "orthanc"])
async def client(
    request: pytest.FixtureRequest, made_archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[DICOMwebClient]:
    """A client of a server of its own, over each kind of archive."""
    data = Path(shutil.copytree(made_archive, tmp_path_factory.mktemp("client") / "data"))
    port, changes = free_port(), dict[str, Any]()
    if request.param == "orthanc":
        running: OrthancServer = request.getfixturevalue("orthanc_running")
        changes = running.settings
    facade = Facade(settings_of(data, public_base_url=f"http://127.0.0.1:{port}", **changes))
    if request.param == "orthanc":
        await keep(facade.app.follower.archive, facade.service.engine.database, samples())
    server = uvicorn.Server(
        config := uvicorn.Config(facade.app, port=port, log_level="error", lifespan="off")
    )
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    serving = asyncio.create_task(server.main_loop())
    yield DICOMwebClient(f"http://127.0.0.1:{port}{ROOT}")
    server.should_exit = True
    await serving
    await server.shutdown()
    await facade.close()


async def asked(work: Callable[[], T]) -> T:
    """What a call comes to; it blocks, and the server is here."""
    return await asyncio.to_thread(work)


def original(name: str) -> Dataset:
    return pydicom.dcmread(io.BytesIO(sample(name)))


def test_every_method_of_the_client_is_tried_here() -> None:
    named = {name for name, found in vars(DICOMwebClient).items() if callable(found) and name[0] != "_"}
    told = Path(__file__).read_text()
    offline = {"lookup_keyword", "lookup_tag", "set_chunk_size", "set_http_retry_params"}
    assert {name for name in named - offline if f"client.{name}" not in told} == set()


async def test_it_retrieves_instances_series_and_studies(client: DICOMwebClient) -> None:
    address = address_of("rle")
    one = await asked(lambda: client.retrieve_instance(*address))
    assert (one.pixel_array == original("rle").pixel_array).all()
    assert one.file_meta.TransferSyntaxUID == original("rle").file_meta.TransferSyntaxUID
    whole = await asked(lambda: client.retrieve_study(STUDY))
    assert len(whole) == len(NAMES)
    series = await asked(lambda: client.retrieve_series(STUDY, address.series))
    assert {one.SOPInstanceUID for one in series} < {one.SOPInstanceUID for one in whole}
    explicit = (("application/dicom", "1.2.840.10008.1.2.1"),)
    plain = await asked(lambda: client.retrieve_instance(*address, media_types=explicit))
    assert plain.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert plain.PixelData == original("rle").pixel_array.tobytes()


async def test_it_iterates_over_series_and_studies_that_are_streamed(client: DICOMwebClient) -> None:
    series = address_of("rle").series
    found = await asked(lambda: list(client.iter_series(STUDY, series)))
    assert len(found) == len(NAMES) - 2
    stored = await asked(lambda: list(client.iter_study(STUDY, media_types=AS_STORED)))
    syntaxes = {str(o.SOPInstanceUID): str(o.file_meta.TransferSyntaxUID) for o in stored}
    assert syntaxes == {
        address_of(name).instance: str(original(name).file_meta.TransferSyntaxUID) for name in NAMES
    }


async def test_it_retrieves_metadata_and_bulk_data(client: DICOMwebClient) -> None:
    address = address_of("waveform")
    told = await asked(lambda: client.retrieve_instance_metadata(*address))
    study = await asked(lambda: client.retrieve_study_metadata(STUDY))
    assert told in study
    assert told in await asked(lambda: client.retrieve_series_metadata(STUDY, address.series))
    uri = told["54000100"]["Value"][0]["54001010"]["BulkDataURI"]
    expected = original("waveform").WaveformSequence[0].WaveformData
    octets = ("application/octet-stream",)
    assert await asked(lambda: client.retrieve_bulkdata(uri)) == [expected]
    assert await asked(lambda: client.retrieve_bulkdata(uri, media_types=octets)) == [expected]
    assert await asked(lambda: list(client.iter_bulkdata(uri))) == [expected]
    part = await asked(lambda: client.retrieve_bulkdata(uri, media_types=octets, byte_range=(10, 19)))
    assert part == [expected[10:20]]


async def test_it_retrieves_the_pixels_that_metadata_names_as_bulk_data(client: DICOMwebClient) -> None:
    told = await asked(lambda: client.retrieve_instance_metadata(*address_of("rle colour frames")))
    frames = await asked(lambda: client.retrieve_bulkdata(told["7FE00010"]["BulkDataURI"]))
    assert b"".join(frames) == original("rle colour frames").pixel_array.tobytes()


async def test_it_retrieves_frames_uncompressed_and_compressed(client: DICOMwebClient) -> None:
    address = address_of("jpeg-ls")
    pixels = original("jpeg-ls").pixel_array.tobytes()
    assert await asked(lambda: client.retrieve_instance_frames(*address, [1])) == [pixels]
    octets = ("application/octet-stream",)
    assert await asked(lambda: client.retrieve_instance_frames(*address, [1], media_types=octets)) == [pixels]
    jls = (("image/jls", "1.2.840.10008.1.2.4.80"),)
    (packed,) = await asked(lambda: client.retrieve_instance_frames(*address, [1], media_types=jls))
    assert packed.startswith(b"\xff\xd8\xff\xf7")
    dose = original("frames").pixel_array
    some = await asked(lambda: list(client.iter_instance_frames(*address_of("frames"), [3, 1])))
    assert some == [dose[2].tobytes(), dose[0].tobytes()]


@pytest.mark.parametrize(
    ("media", "begins"),
    [
        ("image/jpeg", JPEG),
        ("image/png", PNG),
        ("image/gif", b"GIF8"),
        ("image/jp2", b"\0\0\0\x0cjP"),
        (None, JPEG),
    ],
)
async def test_it_retrieves_pictures_in_every_format(
    client: DICOMwebClient, media: str | None, begins: bytes
) -> None:
    address, media_types = address_of("explicit"), (media,) if media else None
    shown = {"window": "100,400,linear", "viewport": "64,64"}
    for work in (
        lambda: client.retrieve_instance_rendered(*address, media_types=media_types),
        lambda: client.retrieve_instance_rendered(*address, media_types=media_types, params=shown),
        lambda: client.retrieve_instance_frames_rendered(*address, [1], media_types=media_types),
    ):
        assert (await asked(work)).startswith(begins)


async def test_it_searches_studies_series_and_instances(client: DICOMwebClient) -> None:
    filters = {"StudyInstanceUID": STUDY}
    (study,) = await asked(
        lambda: client.search_for_studies(
            fields=["StudyDescription"], search_filters=filters, fuzzymatching=True
        )
    )
    assert study["0020000D"]["Value"] == [STUDY]
    series = await asked(lambda: client.search_for_series(STUDY))
    assert len(series) == study["00201206"]["Value"][0]
    few = await asked(lambda: client.search_for_instances(STUDY, limit=2, offset=1))
    every = await asked(lambda: client.search_for_instances(STUDY, limit=2, get_remaining=True))
    assert len(every) == len(NAMES)
    assert few == every[1:3]
    of_series = await asked(lambda: client.search_for_instances(STUDY, address_of("rle").series))
    assert len(of_series) == len(NAMES) - 2
    mine = {"PatientID": PATIENT, "Modality": "CT"}
    assert await asked(lambda: client.search_for_series(search_filters=mine, fields=["all"])) == []
    assert await asked(lambda: client.search_for_studies(search_filters={"PatientID": "nobody"})) == []


async def test_it_stores_and_deletes_instances_series_and_studies(client: DICOMwebClient) -> None:
    first = made(CT, PatientID=KIM, AccessionNumber="")
    study = first.address.study
    large = {"Rows": 1024, "Columns": 1024, "PixelData": bytes(2 * 1024**2)}  # sent in chunks
    second = made(CT, PatientID=KIM, AccessionNumber="", StudyInstanceUID=study, **large)
    third = made(MR, PatientID=KIM, AccessionNumber="", StudyInstanceUID=study)
    sets = [pydicom.dcmread(one.file) for one in (first, second, third)]
    answer = await asked(lambda: client.store_instances(sets[:2]))
    assert [i.ReferencedSOPInstanceUID for i in answer.ReferencedSOPSequence] == [
        first.address.instance,
        second.address.instance,
    ]
    await asked(lambda: client.store_instances(sets[2:], study_instance_uid=study))
    assert len(await asked(lambda: client.search_for_series(study))) == 3
    elsewhere = pydicom.dcmread(made(MR, PatientID=KIM).file)
    with pytest.raises(requests.HTTPError, match="409"):
        await asked(lambda: client.store_instances([elsewhere], study_instance_uid=study))
    await asked(lambda: client.delete_instance(*first.address))
    await asked(lambda: client.delete_series(*second.address[:2]))
    (left,) = await asked(lambda: client.search_for_instances(study))
    assert left["00080018"]["Value"] == [third.address.instance]
    await asked(lambda: client.delete_study(study))
    assert await asked(lambda: client.search_for_instances(study)) == []
    with pytest.raises(requests.HTTPError, match="404"):
        await asked(lambda: client.retrieve_study(study))


async def test_it_retrieves_all_pictures_of_a_series(client: DICOMwebClient) -> None:
    slices = [made(CT, PatientID=KIM, AccessionNumber="")]
    study, series, _ = slices[0].address
    same = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "AccessionNumber": ""}
    slices.append(made(CT, PatientID=KIM, **same))
    await asked(lambda: client.store_instances([pydicom.dcmread(one.file) for one in slices]))
    png = await asked(lambda: client.retrieve_series_rendered(study, series, media_types=("image/png",)))
    default = await asked(lambda: client.retrieve_series_rendered(study, series))
    assert (png.count(PNG), default.count(JPEG)) == (len(slices), len(slices))
