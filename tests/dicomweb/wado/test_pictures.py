"""Rendered frames and thumbnails."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID, EncapsulatedPDFStorage

from dicomweb.archives.archive import Address
from dicomweb.wado import windowing
from dicomweb.wado.part10 import UnreadableError, opened
from dicomweb.wado.rendering import look_of, rendered
from tests.dicomweb.phantom import dataset
from tests.dicomweb.phantom import part10 as phantom
from tests.dicomweb.qido.conftest import Images
from tests.dicomweb.wado.conftest import Archived, keep
from tests.dicomweb.wado.parts import parts_of
from tests.dicomweb.wado.samples import NAMES, PATIENT, STUDY, path_of, sample

PICTURES = set(NAMES) - {"report", "waveform", "truncated"}


def picture_of(content: bytes) -> Image.Image:
    found = Image.open(io.BytesIO(content))
    found.load()
    return found


def seen(made: Dataset | None = None, **parameters: str) -> list[int]:
    """The grey values of a phantom of 4 by 4 pixels, which has those from 0 to 15."""
    content = rendered(opened(phantom(made)), 0, look_of(parameters, "image/png"))
    return [int(v) for v in np.asarray(picture_of(content)).ravel()]


@pytest.mark.parametrize("name", sorted(PICTURES))
async def test_every_image_is_rendered_at_its_size(images: Images, name: str) -> None:
    answer = await images.get(f"{path_of(name)}/rendered")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg"), answer.text[:300]
    source = pydicom.dcmread(io.BytesIO(sample(name)))
    picture = picture_of(answer.content)
    assert picture.size == (source.Columns, source.Rows)
    colour = source.SamplesPerPixel == 3 or source.PhotometricInterpretation == "PALETTE COLOR"
    assert picture.mode == ("RGB" if colour else "L")
    assert len(set(picture.convert("L").tobytes())) > 1


def test_without_a_window_the_range_of_the_pixels_is_shown() -> None:
    assert seen() == [17 * v for v in range(16)]


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2"])
@pytest.mark.parametrize(
    "said",
    [
        {"RescaleSlope": "2", "RescaleIntercept": "-1024", "WindowCenter": -800, "WindowWidth": 600},
        {"PhotometricInterpretation": "MONOCHROME1", "PixelPaddingValue": 5},
        {"WindowCenter": 7, "WindowWidth": 90, "VOILUTFunction": "SIGMOID"},
    ],
)
def test_values_that_are_looked_up_are_shown_as_if_each_were_reckoned(
    monkeypatch: pytest.MonkeyPatch, kind: str, said: dict[str, Any]
) -> None:
    monkeypatch.setattr(windowing, "STRETCH", 100)
    bounds = np.iinfo(kind)
    values = np.random.default_rng(1).integers(bounds.min, bounds.max, (31, 17), np.int32, endpoint=True)
    values[3, 4] = 5
    header = Dataset()
    for keyword, value in said.items():
        setattr(header, keyword, value)
    reckoned = windowing.grey(values, header, 0, None)
    assert (windowing.grey(values.astype(kind), header, 0, None) == reckoned).all()
    assert (windowing.grey(values.astype(kind).T, header, 0, None) == reckoned.T).all()
    assert len(np.unique(reckoned)) > 1


def test_the_files_own_window_is_applied() -> None:
    assert seen(dataset(WindowCenter=8, WindowWidth=9)) == [
        round(255 * min(max((v - 7.5) / 8 + 0.5, 0), 1)) for v in range(16)
    ]


def test_a_window_that_is_asked_for_goes_before_the_files() -> None:
    made = dataset(WindowCenter=1, WindowWidth=2, RescaleSlope=10, RescaleIntercept=-50)
    expected = [round(255 * min(max((v * 10 - 50 - 50) / 100 + 0.5, 0), 1)) for v in range(16)]
    assert seen(made, window="50,100,linear-exact") == expected
    sigmoid = [round(255 / (1 + np.exp(-4 * (v - 8) / 4))) for v in range(16)]
    assert seen(None, window="8,4,sigmoid") == sigmoid


def test_monochrome_1_is_white_where_it_is_low() -> None:
    assert seen(dataset(PhotometricInterpretation="MONOCHROME1")) == [17 * v for v in reversed(range(16))]


def test_padding_does_not_count_for_the_range() -> None:
    assert seen(dataset(PixelPaddingValue=15))[14] == 255


def test_a_table_of_grey_values_is_applied() -> None:
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [16, 0, 8], [255 - v for v in range(16)]
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    assert seen(dataset(VOILUTSequence=[table])) == [255 - v for v in range(16)]


def test_a_viewport_cuts_scales_and_mirrors() -> None:
    assert seen(None, viewport="2,2,0,0,2,2") == [0, 17, 68, 85]
    assert seen(None, viewport="2,2,0,0,-2,-2") == [85, 68, 17, 0]
    assert len(seen(None, viewport="8,100")) == 64


@pytest.mark.parametrize(
    ("media", "written"),
    [("image/jpeg", "JPEG"), ("image/png", "PNG"), ("image/gif", "GIF"), ("image/jp2", "JPEG2000")],
)
async def test_every_format_shows_the_same(images: Images, media: str, written: str) -> None:
    for name in ("explicit", "palette"):
        best = picture_of((await images.get(f"{path_of(name)}/rendered", accept="image/png")).content)
        answer = await images.get(f"{path_of(name)}/rendered", accept=media)
        picture = picture_of(answer.content)
        assert (answer.headers["content-type"], picture.format) == (media, written)
        apart = np.asarray(picture.convert(best.mode), int) - np.asarray(best, int)
        assert abs(apart).mean() < (4 if name == "palette" or written == "JPEG" else 1e-9)


async def test_frames_are_rendered_each_for_itself(images: Images) -> None:
    one = await images.get(f"{path_of('frames')}/frames/15/rendered", accept="image/png")
    assert one.headers["content-type"] == "image/png"
    both = parts_of(await images.get(f"{path_of('frames')}/frames/15,1/rendered", accept="image/png"))
    assert both[0] == ("image/png", one.content)
    assert both[1] != both[0]


@pytest.mark.parametrize(
    "query",
    [
        "window=1",
        "window=1,0,linear",
        "window=a,b,linear",
        "window=1,2,cubic",
        "window=nan,2",
        "viewport=0,5",
        "viewport=99999,5",
        "viewport=10,10,500,500,10,10",
        "viewport=a",
        "quality=0",
        "quality=101",
    ],
)
async def test_parameters_that_say_nothing_sensible_are_refused(images: Images, query: str) -> None:
    answer = await images.get(f"{path_of('explicit')}/rendered?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["message"]


async def test_what_has_no_picture_is_refused_and_so_are_other_formats(images: Images) -> None:
    for name in ("report", "waveform"):
        assert (await images.get(f"{path_of(name)}/rendered")).status_code == 406
    assert (await images.get(f"{path_of('explicit')}/rendered", accept="image/tiff")).status_code == 406
    assert (await images.get(f"{path_of('explicit')}/frames/2/rendered")).status_code == 404
    broken = await images.get(f"{path_of('truncated')}/rendered")
    assert (broken.status_code, "can't be read" in broken.json()["message"]) == (500, True)


def test_groups_of_frames_that_are_none_are_the_files_fault() -> None:
    made = dataset()
    made[0x52009229] = DataElement(0x52009229, "LO", "no sequence")
    with pytest.raises(UnreadableError, match="can't be applied"):
        seen(made)


async def test_a_thumbnail_is_as_large_as_the_viewport_that_is_asked_for(images: Images) -> None:
    """https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.3.5.1.3"""
    path = f"{path_of('explicit')}/thumbnail"
    for query, size in (
        ("", (128, 128)),
        ("?viewport=40,60", (40, 40)),
        ("?viewport=32,32,0,0,64,32", (32, 16)),
    ):
        assert picture_of((await images.get(path + query)).content).size == size
    refused = await images.get(f"{path}?viewport=0,60")
    assert (refused.status_code, "viewport" in refused.json()["message"]) == (400, True)


async def test_every_level_has_a_thumbnail(images: Images) -> None:
    for path in (f"/studies/{STUDY}", path_of("explicit"), f"{path_of('jpeg frames')}/frames/30"):
        answer = await images.get(f"{path}/thumbnail")
        assert answer.status_code == 200, answer.text[:200]
        assert max(picture_of(answer.content).size) == 128


async def test_an_encapsulated_document_is_answered_as_it_is(images: Archived) -> None:
    database, pdf = images.facade.service.engine.database, b"%PDF-1.7 not much %%EOF "
    for number, document in enumerate((pdf, None), 1):
        address = Address(STUDY, f"{STUDY}.55", f"{STUDY}.55.{number}")
        made = Dataset()
        made.SOPClassUID, made.PatientID = EncapsulatedPDFStorage, PATIENT
        made.StudyInstanceUID, made.SeriesInstanceUID, made.SOPInstanceUID = map(UID, address)
        if document:
            made.EncapsulatedDocument = document
        await keep(images.archive, database, {address: phantom(made).read()})
        answer = await images.get(f"/studies/{STUDY}/series/{STUDY}.55/instances/{address.instance}/rendered")
        if document:
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
            assert answer.content == pdf
        else:
            assert (answer.status_code, "no document" in answer.json()["message"]) == (500, True)
