"""All pictures of a series or of a study, in one answer."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio
from pydicom.uid import generate_uid

from dicomweb.wado import album
from mappers.demo.imaging import STUDIES
from tests.dicomweb.files import CT, MR, Sent, made
from tests.dicomweb.qido.conftest import Images
from tests.dicomweb.wado.conftest import Archived, keep
from tests.dicomweb.wado.parts import parts_of
from tests.smart_auth.badges import Badges, user

MINE, OTHER = STUDIES[1], STUDIES[0]
BROKEN = "MR_truncated.dcm"
BASES = (CT, MR, "examples_ybr_color.dcm", "reportsi.dcm")
SERIES = generate_uid()
PATH = f"/studies/{MINE.study_instance_uid}/series/{SERIES}"


def address(sent: Sent) -> str:
    return f"{PATH}/instances/{sent.address.instance}"


@pytest_asyncio.fixture(scope="module")
async def sent(images: Archived) -> list[Sent]:
    """A series of a CT, an MR, one of many colour frames and a report, the only one of its study."""
    common = {"StudyInstanceUID": MINE.study_instance_uid, "SeriesInstanceUID": SERIES}
    common["PatientID"] = MINE.dicom_patient_id
    found = [made(base, InstanceNumber=number, **common) for number, base in enumerate(BASES, 1)]
    await keep(images.archive, images.facade.service.engine.database, {o.address: o.content for o in found})
    return found


@pytest.mark.parametrize("path", [PATH, f"/studies/{MINE.study_instance_uid}"])
@pytest.mark.parametrize("media", ["image/jpeg", "image/png"])
async def test_each_instance_has_the_picture_that_it_has_alone(
    images: Images, sent: list[Sent], path: str, media: str
) -> None:
    *shown, _ = sent
    for accept in (media, f'multipart/related; type="{media}"'):
        answer = await images.get(f"{path}/rendered?viewport=64,64", accept=accept)
        alone = [await images.get(f"{address(o)}/rendered?viewport=64,64", accept=media) for o in shown]
        assert parts_of(answer) == [(media, one.content) for one in alone]
        for one in shown:
            assert f"Content-Location: http://facade.test/api/dicom-web{address(one)}/rendered".encode() in (
                answer.content
            )


async def test_what_has_no_pixels_is_left_out_and_that_is_said(images: Images, sent: list[Sent]) -> None:
    answer = await images.get(f"{PATH}/rendered")
    assert (answer.status_code, len(parts_of(answer))) == (206, 3)
    assert answer.headers["warning"] == '299 - "1 instances have no pixels: they are left out"'
    head = await images.request("HEAD", f"{PATH}/rendered")
    assert (head.status_code, head.content) == (206, b"")


async def test_more_than_is_rendered_at_once_is_refused(
    images: Images, sent: list[Sent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(album, "MOST", 2)
    answer = await images.get(f"{PATH}/rendered")
    assert answer.status_code == 400
    assert "at most 2 instances are rendered at once, not 3" in answer.json()["message"]


@pytest.mark.parametrize(
    ("query", "accept", "status"),
    [
        ("?window=1", "*/*", 400),
        ("", "image/tiff", 406),
        ("", "video/mp4", 406),
        ("", "application/dicom", 406),
    ],
)
async def test_what_makes_no_sense_is_refused(
    images: Images, sent: list[Sent], query: str, accept: str, status: int
) -> None:
    assert (await images.get(f"{PATH}/rendered{query}", accept=accept)).status_code == status
    assert (await images.get(f"{PATH[:-1]}/rendered")).status_code == 404


async def test_a_patient_has_their_own_pictures_and_nobody_elses(
    guarded_images: tuple[Images, Badges], sent: list[Sent]
) -> None:
    images, badges = guarded_images
    own, other = (
        badges.badge("patient/*.rs", user("patient", fhir_user=f"Patient/{patient}"), patient=patient)
        for patient in (MINE.patient_id, "P-2025-000001")
    )
    for path in (PATH, f"/studies/{MINE.study_instance_uid}"):
        assert (await images.get(f"{path}/rendered", authorization=own)).status_code == 206
        hidden = await images.get(f"{path}/rendered", authorization=other)
        absent = await images.get("/studies/1.2.3/rendered", authorization=other)
        assert (hidden.status_code, absent.status_code) == (404, 404)
        assert hidden.json()["message"] == absent.json()["message"]
        assert (await images.get(f"{path}/rendered")).status_code == 401


async def series(images: Archived, *bases: str) -> tuple[str, list[str]]:
    """The address of a new series of another study, and those of its instances."""
    common = {"StudyInstanceUID": OTHER.study_instance_uid, "SeriesInstanceUID": generate_uid()}
    common["PatientID"] = OTHER.dicom_patient_id
    found = [made(base, InstanceNumber=number, **common) for number, base in enumerate(bases, 1)]
    await keep(images.archive, images.facade.service.engine.database, {o.address: o.content for o in found})
    path = "/studies/{}/series/{}".format(*found[0].address)
    return path, [f"{path}/instances/{one.address.instance}" for one in found]


async def test_what_cannot_be_rendered_is_left_out_and_that_is_said(images: Archived) -> None:
    path, addresses = await series(images, CT, BROKEN, MR)
    answer = await images.get(f"{path}/rendered")
    first, broken, last = [await images.get(f"{address}/rendered") for address in addresses]
    assert (first.status_code, broken.status_code, last.status_code) == (200, 500, 200)
    assert answer.status_code == 206
    assert answer.headers["warning"] == '299 - "1 instances can\'t be rendered: they are left out"'
    assert [content for _, content in parts_of(answer)] == [first.content, last.content]
    assert addresses[1].encode() not in answer.content


async def test_where_none_can_be_rendered_the_first_ones_fault_is_told(images: Archived) -> None:
    path, addresses = await series(images, BROKEN, BROKEN)
    answer, first = await images.get(f"{path}/rendered"), await images.get(f"{addresses[0]}/rendered")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/json")
    assert answer.json()["message"] == first.json()["message"]


async def test_no_picture_is_left_out_because_the_archive_is_down(images: Archived, wado_data: Path) -> None:
    path, addresses = await series(images, CT, MR)
    assert (await images.get(f"{addresses[0]}/rendered")).status_code == 200
    (wado_data / "archive").rename(wado_data / "away")
    try:
        answer = await images.get(f"{path}/rendered")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    finally:
        (wado_data / "away").rename(wado_data / "archive")
