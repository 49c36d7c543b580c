"""A hundred readers at once, and answers that break off."""

from __future__ import annotations

import asyncio
import os
import tracemalloc

import pytest
from pydicom.uid import generate_uid

from dicomweb.archives.archive import Address
from dicomweb.http.faults import DicomFault
from dicomweb.index.reading import instances
from tests.dicomweb.files import CT, made
from tests.dicomweb.wado.conftest import Archived, keep
from tests.dicomweb.wado.parts import parts_of
from tests.dicomweb.wado.samples import PATIENT, STUDY, path_of

NAMES = ("explicit", "implicit", "rle", "j2k lossless", "jpeg-ls", "big endian", "jpeg", "frames")


async def test_a_hundred_readers_get_every_frame_and_memory_stays_flat(images: Archived) -> None:
    async def read(reader: int) -> set[int]:
        paths = [f"{path_of(NAMES[(reader + step) % len(NAMES)])}/frames/1" for step in range(4)]
        return {(await images.get(path)).status_code for path in paths}

    async def all_readers() -> set[int]:
        return set().union(*await asyncio.gather(*(read(reader) for reader in range(100))))

    assert await all_readers() == {200}
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        assert await all_readers() == {200}
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 4 * 1024**2
    assert len(os.listdir("/proc/self/fd")) < 500


async def series_of(images: Archived, *bases: str) -> str:
    """The path of a new series of such files."""
    series = generate_uid()
    common = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": series, "PatientID": PATIENT}
    sent = [made(base, InstanceNumber=number, **common) for number, base in enumerate(bases, 1)]
    database = images.facade.service.engine.database
    await keep(images.archive, database, {one.address: one.content for one in sent})
    return f"/studies/{STUDY}/series/{series}"


async def test_what_can_not_be_sent_whole_breaks_off_and_leaves_nothing_out_silently(
    images: Archived,
) -> None:
    path = await series_of(images, CT, CT)
    assert len(parts_of(await images.get(path))) == 2
    *_, last = await instances(images.facade.service.engine.database, Address(*path.split("/")[2::2]))
    await images.archive.delete(last.place)
    with pytest.raises(DicomFault, match="no longer has the instance"):
        await images.get(path)


async def test_what_none_of_the_syntaxes_asked_for_fits_is_left_out_with_a_warning(images: Archived) -> None:
    path = await series_of(images, CT, "SC_rgb_jpeg_dcmtk.dcm", "693_J2KI.dcm")
    rle = 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.5'
    answer = await images.get(path, accept=rle)
    assert (answer.status_code, len(parts_of(answer))) == (206, 1)
    assert answer.headers["warning"].startswith('299 - "2 instances')
    assert (await images.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("syntax", "left"),
    [("1.2.840.10008.1.2.5", 2), ("1.2.840.10008.1.2.4.80", 2), ("1.2.840.10008.1.2.4.90", 3)],
)
async def test_samples_that_a_compression_does_not_take_are_left_out_of_many_and_refused_alone(
    images: Archived, syntax: str, left: int
) -> None:
    # 32 bits, one bit, and for JPEG 2000 an image that is but 16 pixels high
    path = await series_of(images, CT, "rtdose.dcm", "liver_1frame.dcm", "77654033/CR1/6154")
    accept = f'multipart/related; type="application/dicom"; transfer-syntax={syntax}'
    answer = await images.get(path, accept=accept)
    assert answer.status_code == 206
    assert answer.headers["warning"].startswith(f'299 - "{left} instances')
    assert {media for media, _ in parts_of(answer)} == {f"application/dicom; transfer-syntax={syntax}"}
    assert len(parts_of(answer)) == 4 - left
    alone = [await images.get(path_of(name), accept=accept) for name in ("frames", "bits")]
    assert [one.status_code for one in alone] == [406, 406]
