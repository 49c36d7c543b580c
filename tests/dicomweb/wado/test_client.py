"""dicomweb-client retrieves what it does from a complete server."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import pydicom
import pytest_asyncio
import uvicorn
from dicomweb_client import DICOMwebClient

from tests.dicomweb.qido.conftest import ROOT, Images
from tests.dicomweb.wado.samples import NAMES, STUDY, address_of, sample

T = TypeVar("T")


@pytest_asyncio.fixture
async def client(images: Images) -> AsyncIterator[DICOMwebClient]:
    """A client of the application, served on a port of its own."""
    config = uvicorn.Config(images.facade.app, port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    serving = asyncio.create_task(server.main_loop())
    port = server.servers[0].sockets[0].getsockname()[1]
    yield DICOMwebClient(f"http://127.0.0.1:{port}{ROOT}")
    server.should_exit = True
    await serving
    await server.shutdown()


async def asked(work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work)


async def test_it_retrieves_instances_series_and_studies(client: DICOMwebClient) -> None:
    address = address_of("rle")
    one = await asked(lambda: client.retrieve_instance(*address))
    original = pydicom.dcmread(io.BytesIO(sample("rle")))
    assert (one.pixel_array == original.pixel_array).all()
    whole = await asked(lambda: client.retrieve_study(STUDY))
    assert len(whole) == len(NAMES)
    series = await asked(lambda: client.retrieve_series(STUDY, address.series))
    assert {one.SOPInstanceUID for one in series} < {one.SOPInstanceUID for one in whole}


async def test_it_retrieves_metadata_and_bulk_data(client: DICOMwebClient) -> None:
    address = address_of("waveform")
    told = await asked(lambda: client.retrieve_instance_metadata(*address))
    study = await asked(lambda: client.retrieve_study_metadata(STUDY))
    assert told in study
    uri = told["54000100"]["Value"][0]["54001010"]["BulkDataURI"]
    here = uri.replace(f"http://facade.test{ROOT}", client.base_url)
    (value,) = await asked(lambda: client.retrieve_bulkdata(here))
    assert value == pydicom.dcmread(io.BytesIO(sample("waveform"))).WaveformSequence[0].WaveformData


async def test_it_retrieves_frames_uncompressed_compressed_and_rendered(client: DICOMwebClient) -> None:
    address = address_of("jpeg-ls")
    pixels = pydicom.dcmread(io.BytesIO(sample("jpeg-ls"))).pixel_array.tobytes()
    assert await asked(lambda: client.retrieve_instance_frames(*address, [1])) == [pixels]
    jls = (("image/jls", "1.2.840.10008.1.2.4.80"),)
    (packed,) = await asked(lambda: client.retrieve_instance_frames(*address, [1], media_types=jls))
    assert packed.startswith(b"\xff\xd8\xff\xf7")
    png = ("image/png",)
    for work in (
        lambda: client.retrieve_instance_rendered(*address, media_types=png),
        lambda: client.retrieve_instance_frames_rendered(*address, [1], media_types=png),
    ):
        assert (await asked(work)).startswith(b"\x89PNG")


async def test_it_iterates_over_a_series_that_is_streamed(client: DICOMwebClient) -> None:
    found = await asked(lambda: list(client.iter_series(STUDY, address_of("rle").series)))
    assert len(found) == len(NAMES) - 2


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
    assert await asked(lambda: client.search_for_studies(search_filters={"PatientID": "nobody"})) == []
