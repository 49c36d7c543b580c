"""Frames, bulk data and their negotiation."""

from __future__ import annotations

import asyncio
import io

import pydicom
import pytest
from pydicom.encaps import get_frame
from pydicom.uid import UID

from dicomweb.archives.archive import Address
from dicomweb.http.faults import DicomFault
from tests.dicomweb.phantom import dataset
from tests.dicomweb.phantom import part10 as phantom
from tests.dicomweb.qido.conftest import Images
from tests.dicomweb.wado.conftest import Archived, keep
from tests.dicomweb.wado.parts import parts_of
from tests.dicomweb.wado.samples import PATIENT, STUDY, path_of, sample

OCTETS = 'multipart/related; type="application/octet-stream"'
JPEG = "image/jpeg"
EXPLICIT = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"


def frame(name: str, number: int = 1) -> bytes:
    """As it is stored, compressed."""
    source = pydicom.dcmread(io.BytesIO(sample(name)))
    return get_frame(source.PixelData, number - 1, number_of_frames=int(source.get("NumberOfFrames") or 1))


@pytest.mark.parametrize("accept", [OCTETS, "*/*", 'multipart/related; type="*/*"', OCTETS.replace('"', "")])
async def test_lossless_frames_come_uncompressed(images: Images, accept: str) -> None:
    answer = await images.get(f"{path_of('rle')}/frames/1", accept=accept)
    assert answer.headers["content-type"].startswith('multipart/related; type="application/octet-stream"')
    assert parts_of(answer) == [(EXPLICIT, pydicom.dcmread(io.BytesIO(sample("rle"))).pixel_array.tobytes())]


@pytest.mark.parametrize(
    ("name", "accept", "media"),
    [
        ("jpeg", f"{OCTETS}; transfer-syntax=*", "application/octet-stream"),
        ("jpeg", f'{OCTETS}; transfer-syntax="*"', "application/octet-stream"),
        ("jpeg-ls", f"{OCTETS}; transfer-syntax=1.2.840.10008.1.2.4.80", "application/octet-stream"),
        ("jpeg", "*/*", "image/jpeg"),
        (
            "jpeg",
            'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50',
            "image/jpeg",
        ),
        ("jpeg-ls", 'multipart/related; type="image/jls"', "image/jls"),
        ("j2k", 'multipart/related; type="image/jp2"; transfer-syntax=1.2.840.10008.1.2.4.91', "image/jp2"),
        ("htj2k", "*/*", "image/jphc"),
        ("htj2k lossless", 'multipart/related; type="image/jphc"', "image/jphc"),
        ("htj2k lossless rpcl", f"{OCTETS}; transfer-syntax=*", "application/octet-stream"),
        ("rle", 'multipart/related; type="image/dicom-rle"', "image/dicom-rle"),
        ("rle", 'multipart/related; type="*/*"; transfer-syntax=*', "image/dicom-rle"),
        ("jpeg lossless", 'multipart/related; type="image/*"', "image/jpeg"),
    ],
)
async def test_frames_come_as_they_are_stored_to_who_takes_that(
    images: Images, name: str, accept: str, media: str
) -> None:
    ((told, content),) = parts_of(await images.get(f"{path_of(name)}/frames/1", accept=accept))
    syntax = pydicom.dcmread(io.BytesIO(sample(name))).file_meta.TransferSyntaxUID
    assert told == f"{media}; transfer-syntax={syntax}"
    assert content == frame(name)


async def test_frames_come_in_the_order_of_the_list(images: Images) -> None:
    answer = await images.get(f"{path_of('jpeg frames')}/frames/30,2", accept=f"{OCTETS}; transfer-syntax=*")
    assert [content for _, content in parts_of(answer)] == [frame("jpeg frames", n) for n in (30, 2)]
    assert b"/instances/" in answer.content.split(b"Content-Location: http://facade.test/api/dicom-web")[1]


async def test_many_frames_are_streamed(images: Images) -> None:
    numbers = ",".join(["1"] * 40)
    answer = await images.get(f"{path_of('jpeg frames')}/frames/{numbers}", accept=OCTETS)
    assert "content-length" not in answer.headers
    assert [len(content) for _, content in parts_of(answer)] == [240 * 320 * 3] * 40


async def test_one_frame_comes_alone_if_it_is_asked_for_so(images: Images) -> None:
    answer = await images.get(f"{path_of('explicit')}/frames/1", accept="application/octet-stream")
    assert answer.headers["content-type"] == EXPLICIT
    assert answer.content == pydicom.dcmread(io.BytesIO(sample("explicit"))).PixelData
    assert (
        await images.get(f"{path_of('frames')}/frames/1,2", accept="application/octet-stream")
    ).status_code == 406


@pytest.mark.parametrize(
    ("name", "numbers", "status"),
    [
        ("frames", "0", 404),
        ("frames", "16", 404),
        ("frames", "1,16", 404),
        ("frames", "a", 400),
        ("frames", "1,,2", 400),
        ("frames", "-1", 400),
        ("frames", "9999999999", 400),
        ("report", "1", 404),
        ("truncated", "1", 500),
    ],
)
async def test_frames_that_are_not_there_are_refused(
    images: Images, name: str, numbers: str, status: int
) -> None:
    answer = await images.get(f"{path_of(name)}/frames/{numbers}", accept=OCTETS)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert (await images.get(f"{path_of('explicit')}/frames/1")).status_code == 200


async def test_media_types_that_do_not_fit_are_refused_with_those_that_do(images: Images) -> None:
    answer = await images.get(f"{path_of('jpeg')}/frames/1", accept='multipart/related; type="image/jls"')
    assert answer.status_code == 406
    assert 'type="image/jpeg" as stored' in answer.json()["message"]


@pytest.mark.parametrize(("accept", "status"), [(";", 200), (",;,", 200), ('";"', 406), ("; q=1", 406)])
@pytest.mark.parametrize("resource", ["", "/frames/1", "/rendered", "/metadata"])
async def test_a_media_type_that_is_none_names_nothing(
    images: Images, resource: str, accept: str, status: int
) -> None:
    answer = await images.get(f"{path_of('explicit')}{resource}", accept=accept)
    assert answer.status_code == status


async def test_a_client_that_has_the_frame_is_told_so(images: Images) -> None:
    path = f"{path_of('explicit')}/frames/1"
    first = await images.get(path, accept=OCTETS)
    again = await images.get(path, accept=OCTETS, if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    other = await images.get(path, accept="application/octet-stream", if_none_match=first.headers["etag"])
    assert other.status_code == 200


async def test_bulk_data_comes_by_its_uri_whole_and_by_range(images: Images) -> None:
    (told,) = (await images.get(f"{path_of('waveform')}/metadata")).json()
    uri = told["54000100"]["Value"][0]["54001010"]["BulkDataURI"]
    assert uri == f"http://facade.test/api/dicom-web{path_of('waveform')}/bulkdata/54000100/1/54001010"
    expected = pydicom.dcmread(io.BytesIO(sample("waveform"))).WaveformSequence[0].WaveformData
    path = uri.removeprefix("http://facade.test/api/dicom-web")
    whole = await images.get(path, accept="application/octet-stream")
    assert (whole.content, whole.headers["accept-ranges"]) == (expected, "bytes")
    assert parts_of(await images.get(path, accept=OCTETS))[0][1] == expected
    part = await images.get(path, accept="*/*", range="bytes=10-19")
    assert (part.status_code, part.content) == (206, expected[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(expected)}"
    assert (await images.get(path, accept="*/*", range="bytes=-4")).content == expected[-4:]
    assert (await images.get(path, accept="*/*", range=f"bytes={len(expected)}-")).status_code == 416
    beyond_numbers = await images.get(path, accept="*/*", range=f"bytes=0-{'9' * 5000}")
    assert (beyond_numbers.status_code, beyond_numbers.content) == (200, expected)


async def test_pixel_data_as_bulk_data_is_all_frames(images: Images) -> None:
    answer = await images.get(f"{path_of('frames')}/bulkdata/7FE00010", accept=OCTETS)
    pixels = pydicom.dcmread(io.BytesIO(sample("frames"))).PixelData
    assert b"".join(content for _, content in parts_of(answer)) == pixels


async def test_frames_that_a_file_only_claims_to_have_cost_nothing(images: Archived) -> None:
    made, address = dataset(NumberOfFrames=2**31 - 1), Address(STUDY, f"{STUDY}.79", f"{STUDY}.79.1")
    made.PatientID, made.StudyInstanceUID = PATIENT, UID(STUDY)
    made.SeriesInstanceUID, made.SOPInstanceUID = map(UID, address[1:])
    file = phantom(made).read()
    await keep(images.archive, images.facade.service.engine.database, {address: file})
    _, series, instance = address
    path = f"/studies/{STUDY}/series/{series}/instances/{instance}/bulkdata/7FE00010"
    with pytest.raises(DicomFault, match="has 16 bytes where 32 are needed"):
        await asyncio.wait_for(images.get(path, accept=OCTETS), 20)


@pytest.mark.parametrize(
    ("path", "status"), [("54000100/9/54001010", 404), ("00420011", 404), ("x", 400), ("../..", 400)]
)
async def test_bulk_data_that_is_none_is_refused(images: Images, path: str, status: int) -> None:
    answer = await images.get(f"{path_of('waveform')}/bulkdata/{path.replace('..', '%2e%2e')}", accept="*/*")
    assert answer.status_code == status
