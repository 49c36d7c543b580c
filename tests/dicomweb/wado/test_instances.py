"""Retrieving studies, series and instances."""

from __future__ import annotations

import io
import zipfile

import pydicom
import pytest

from tests.dicomweb.qido.conftest import Images
from tests.dicomweb.wado.parts import parts_of
from tests.dicomweb.wado.samples import LOSSY, NAMES, SERIES, STUDY, address_of, path_of, sample

DICOM = 'multipart/related; type="application/dicom"'
AS_STORED = f"{DICOM}; transfer-syntax=*"


async def test_a_study_comes_as_it_is_stored_to_the_byte(images: Images) -> None:
    answer = await images.get(f"/studies/{STUDY}", accept=AS_STORED)
    assert answer.status_code == 200
    assert sorted(content for _, content in parts_of(answer)) == sorted(map(sample, NAMES))


@pytest.mark.parametrize("name", ["explicit", "implicit", "big endian", "rle", "deflated", *LOSSY, "report"])
async def test_without_a_syntax_what_is_lossless_comes_in_explicit_little_endian(
    images: Images, name: str
) -> None:
    ((media, content),) = parts_of(await images.get(path_of(name), accept=DICOM))
    stored = pydicom.dcmread(io.BytesIO(sample(name))).file_meta.TransferSyntaxUID
    expected = stored if name in LOSSY else "1.2.840.10008.1.2.1"
    assert media == f"application/dicom; transfer-syntax={expected}"
    assert pydicom.dcmread(io.BytesIO(content)).file_meta.TransferSyntaxUID == expected
    assert name not in LOSSY or content == sample(name)


@pytest.mark.parametrize("accept", ["application/dicom", "application/dicom; transfer-syntax=*"])
async def test_one_instance_comes_alone_if_it_is_asked_for_so(images: Images, accept: str) -> None:
    answer = await images.get(path_of("explicit"), accept=accept)
    assert (answer.status_code, answer.content) == (200, sample("explicit"))
    assert answer.headers["content-type"] == "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
    assert (await images.get(f"/studies/{STUDY}/series/{SERIES}", accept=accept)).status_code == 406


async def test_a_study_comes_as_a_zip(images: Images) -> None:
    answer = await images.get(f"/studies/{STUDY}", accept="application/zip; transfer-syntax=*")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        assert found.testzip() is None
        address = address_of("j2k")
        assert found.read(f"{address.series}/{address.instance}.dcm") == sample("j2k")
        assert len(found.namelist()) == len(NAMES)


@pytest.mark.parametrize(
    "accept", ["*/*", "", "application/*", "multipart/related", 'multipart/related; type="*/*"']
)
async def test_who_takes_anything_gets_parts(images: Images, accept: str) -> None:
    answer = await images.get(path_of("explicit"), accept=accept)
    assert parts_of(answer)[0][1] == sample("explicit")
    assert answer.headers["content-type"].startswith('multipart/related; type="application/dicom"; boundary=')


async def test_the_accept_parameter_goes_before_the_header(images: Images) -> None:
    answer = await images.get(f"{path_of('explicit')}?accept=application/dicom", accept="image/png")
    assert answer.content == sample("explicit")


async def test_the_syntax_most_wanted_of_those_that_can_be_had_is_sent(images: Images) -> None:
    accept = (
        f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.4.50, {DICOM}; transfer-syntax=1.2.840.10008.1.2.5;q=0.5"
    )
    ((media, content),) = parts_of(await images.get(path_of("explicit"), accept=accept))
    assert media.endswith("1.2.840.10008.1.2.5")
    original = pydicom.dcmread(io.BytesIO(sample("explicit"))).pixel_array
    assert (pydicom.dcmread(io.BytesIO(content)).pixel_array == original).all()


async def test_what_can_not_be_had_is_refused_for_one_and_left_out_with_a_warning_for_many(
    images: Images,
) -> None:
    accept = f"{DICOM}; transfer-syntax=1.2.840.10008.1.2.4.80"
    alone = await images.get(path_of("jpeg"), accept=accept)
    assert (alone.status_code, "as stored" in alone.json()["message"]) == (406, True)
    series = address_of("report").series
    many = await images.get(f"/studies/{STUDY}/series/{series}", accept=f"{DICOM}; transfer-syntax=1.2.3")
    assert many.status_code == 406


async def test_only_what_is_offered_is_accepted(images: Images) -> None:
    for accept in (
        "image/jpeg",
        'multipart/related; type="image/jpeg"',
        "text/html",
        "application/dicom;q=0",
    ):
        answer = await images.get(path_of("explicit"), accept=accept)
        assert (answer.status_code, "offered" in answer.json()["message"]) == (406, True)


async def test_head_answers_without_a_body(images: Images) -> None:
    single = "application/dicom; transfer-syntax=*"
    for path, accept in ((f"/studies/{STUDY}", DICOM), (path_of("explicit"), single)):
        answer, full = [await images.request(method, path, accept=accept) for method in ("HEAD", "GET")]
        assert (answer.status_code, answer.content) == (200, b"")
        assert "content-length" not in answer.headers  # https://www.rfc-editor.org/rfc/rfc9110#section-8.6
        told, whole = (a.headers["content-type"].partition("boundary")[::2] for a in (answer, full))
        assert (told[0], len(told[1])) == (whole[0], len(whole[1]))


async def test_what_is_not_there_is_not_found(images: Images) -> None:
    for path in (f"{path_of('explicit')}.9", f"/studies/{STUDY}/series/1.2.3", "/studies/1.2.3"):
        answer = await images.get(path, accept=DICOM)
        assert answer.status_code == 404
        assert answer.json()["message"] == "there is no such study, series or instance"
