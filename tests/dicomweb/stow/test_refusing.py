"""What can't be stored is refused with a clear status, and nothing of it is kept half."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import BytesIO

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian
from sqlalchemy import func, select, text

from dicomweb.index import bounded
from dicomweb.index.reading import rows
from dicomweb.stow import request
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_quarantine
from mappers.transaction import transaction
from tests.dicomweb.files import made
from tests.dicomweb.phantom import dataset, part10
from tests.dicomweb.stow.sending import BOUNDARY, KIM, RELATED, ROOT, Sender, body, failures, image, stored
from tests.facade.facade import Facade, settings_of


async def kept(sender: Sender) -> tuple[int, int, int]:
    """How many instances are indexed, wait, and are in the archive's folder."""
    facade: Facade = sender.facade
    database = facade.service.engine.database
    counts = [
        int((await rows(database, select(func.count()).select_from(table)))[0][0])
        for table in (fhir_dicom_instance, fhir_dicom_quarantine)
    ]
    files = [p for p in (facade.settings.data_path / "archive").rglob("*") if p.is_file()]
    return counts[0], counts[1], len([p for p in files if "files" in p.parts])


WHOLE = body([image().content])
#: a sequence without a length, and in it an item without one
NESTED = b"\x40\x00\x75\x02SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
PIXELS = b"\xe0\x7f\x10\x00"


@pytest.mark.parametrize(
    ("content", "media", "status", "words"),
    [
        (WHOLE[:-20], RELATED, 400, "before its closing boundary"),
        (WHOLE[: len(WHOLE) // 2], RELATED, 400, "before its closing boundary"),
        (b"", RELATED, 400, "before its closing boundary"),
        (WHOLE, RELATED.replace(BOUNDARY, "another"), 400, "before its closing boundary"),
        (WHOLE, "multipart/related; type=application/dicom", 400, "no boundary"),
        (WHOLE, RELATED.replace(BOUNDARY, "b" * 201), 400, "1 to 200"),
        (WHOLE, "multipart/related; boundary*=utf-8''another", 400, "before its closing boundary"),
        (WHOLE, "multipart/related; type*=utf-8''text%2Fhtml; boundary=x", 415, "application/dicom"),
        (f"--{BOUNDARY}--".encode(), RELATED, 400, "no parts"),
        (body([b"{}"], "Content-Type: application/json"), RELATED, 400, "application/json"),
        (body([b"{}"]), RELATED, 400, "no DICOM instance"),
        (body([b""]), RELATED, 400, "no DICOM instance"),
        (body([b"x"], "no header"), RELATED, 400, "header fields"),
        (body([b"x"], "X: " + "y" * 20_000), RELATED, 400, "header fields"),
        (WHOLE, RELATED.replace("application/dicom", "application/dicom+json"), 415, "application/dicom"),
        (WHOLE, "multipart/form-data; boundary=x", 415, "application/dicom"),
        (WHOLE, "", 415, "application/dicom"),
        (b"no gzip", "gzip:" + RELATED, 400, "gzip"),
    ],
)
async def test_a_request_that_cannot_be_read_stores_nothing(
    sender: Sender, content: bytes, media: str, status: int, words: str
) -> None:
    before = await kept(sender)
    more = {"content-encoding": "gzip"} if media.startswith("gzip:") else {}
    answer = await sender.post(content, media=media.removeprefix("gzip:"), **more)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["message"]
    assert await kept(sender) == before


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (gzip.compress(WHOLE[:100]) + gzip.compress(WHOLE[100:]), 200),
        (gzip.compress(WHOLE)[:-4], 400),
        (gzip.compress(WHOLE)[:-8] + bytes(8), 400),
        (gzip.compress(WHOLE) + b"and more", 400),
    ],
    ids=["in two pieces", "cut off", "another checksum", "no gzip behind"],
)
async def test_a_gzipped_request_is_taken_whole_or_not_at_all(
    sender: Sender, sent: bytes, status: int
) -> None:
    before = await kept(sender)
    answer = await sender.post(sent, **{"content-encoding": "gzip"})
    assert (answer.status_code, "gzip" in answer.text) == (status, status == 400)
    assert (await kept(sender) == before) == (status == 400)


async def test_what_stands_behind_a_gzipped_image_is_not_gathered(sender: Sender) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield gzip.compress(image().content)
        for _ in range(400):
            yield bytes(100_000)

    headers = {"content-type": "application/dicom", "content-encoding": "gzip"}
    tracemalloc.start()
    try:
        answer = await sender.facade.http.post(f"{ROOT}/studies", content=endless(), headers=headers)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
    assert answer.status_code == 400


async def test_what_is_too_much_is_refused(sender: Sender) -> None:
    settings = settings_of(sender.facade.settings.data_path, stow_limit_bytes=1000)
    facade = Facade(settings)
    answer = await Sender(facade).store(image(Rows=64, Columns=64, PixelData=bytes(4096)))
    assert answer.status_code == 413
    await facade.close()


async def test_good_parts_among_bad_ones_are_stored(sender: Sender) -> None:
    one = image()
    answer = await sender.post(body([b"no DICOM", one.content, one.content[:-8]]))
    assert answer.status_code == 202
    assert stored(answer) == [one.instance]
    assert failures(answer) == [0xC000, 0xC000]
    assert "no DICOM Part 10 file" in answer.headers["warning"]


@pytest.mark.parametrize("name", ["JPEG2000.dcm", "examples_ybr_color.dcm", "SC_rgb_rle_2frame.dcm"])
async def test_compressed_pixels_that_end_early_are_no_instance(sender: Sender, name: str) -> None:
    whole, before = made(name, PatientID=KIM).content, await kept(sender)
    assert whole[-8:] == b"\xfe\xff\xdd\xe0\0\0\0\0"
    unnamed = whole[:-8]  # all of it, but for what ends it
    for content in (whole[:-9], whole[:-4], whole[:-100], whole[:-8] + whole[8:16]):
        answer = await sender.post(body([content]))
        assert (answer.status_code, failures(answer)) == (409, [0xC000]), len(content)
        assert "ends before" in answer.headers["warning"]
    assert await kept(sender) == before
    assert (await sender.post(body([unnamed]))).status_code == 200


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
@pytest.mark.parametrize("uid", ["", "../../etc", "1." * 33])
async def test_an_instance_without_its_uids_is_none(sender: Sender, keyword: str, uid: str) -> None:
    before = await kept(sender)
    made = dataset()
    made.add_new(keyword, "UI", "")
    made[keyword]._value = uid
    answer = await sender.post(body([_written(made)]))
    assert answer.status_code == 400
    assert await kept(sender) == before


def _written(made: Dataset) -> bytes:
    file = part10(made)
    return file.read()


async def test_sequences_without_end_and_bombs_are_refused(sender: Sender) -> None:
    before = await kept(sender)
    deep = image().content.replace(PIXELS, NESTED * 1000 + PIXELS)
    for content in (deep, _deflated(100 * 1024 * 1024)):
        answer = await sender.post(body([content]))
        assert answer.status_code == 400, answer.text
    assert await kept(sender) == before


@pytest.mark.parametrize("length", [0xFFFFFFFF, None], ids=["of undefined length", "of a stated length"])
async def test_elements_without_number_are_refused_wherever_they_stand(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, length: int | None
) -> None:
    monkeypatch.setattr(bounded, "MOST_ELEMENTS", 3000)
    empty = b"".join(
        b"\x11\x00" + tag.to_bytes(2, "little") + b"SH\0\0" for tag in range(0x1000, 0x1000 + 500)
    )
    item = b"\xfe\xff\x00\xe0" + (len(empty)).to_bytes(4, "little") + empty
    end = b"" if length is None else b"\xfe\xff\xdd\xe0\0\0\0\0"
    for items, status in ((5, 200), (7, 400)):
        stated = len(item) * items if length is None else length
        sequence = b"\x40\x00\x75\x02SQ\0\0" + stated.to_bytes(4, "little") + item * items + end
        answer = await sender.post(body([image().content.replace(PIXELS, sequence + PIXELS)]))
        assert answer.status_code == status, answer.text
    assert "too many elements" in answer.json()["message"]


async def test_headers_that_are_too_much_together_are_refused(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request, "MOST_METADATA", 2500)
    before = await kept(sender)
    assert (await sender.store(*(image() for _ in range(9)))).status_code == 413
    assert await kept(sender) == before
    assert (await sender.store(image())).status_code == 200


def _deflated(size: int) -> bytes:
    """A deflated data set whose one value inflates to `size` bytes."""
    small = part10(syntax=DeflatedExplicitVRLittleEndian).read()
    start = small.index(b"1.2.840.10008.1.2.1.99") + 22
    start += start % 2
    deflating = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    content = BytesIO()
    content.write(small[:start])
    header = (
        b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 192" + b"\x09\x00\x10\x10UN\x00\x00" + size.to_bytes(4, "little")
    )
    content.write(deflating.compress(header))
    for _ in range(size // (1 << 20)):
        content.write(deflating.compress(bytes(1 << 20)))
    content.write(deflating.flush())
    return content.getvalue()


@pytest.mark.parametrize("last", ["999999", "999998"])
async def test_studies_for_which_the_ris_has_no_key_left_fail_alone_and_say_so(
    sender: Sender, last: str
) -> None:
    left = 999999 - int(last)
    year = sender.facade.service.engine.site.wall_clock(datetime.now(UTC)).year
    columns = "study_id, patient_id, status, created_at, updated_at"
    now = f"{year}-01-01 00:00:00"
    held = f"'ST-{year}-{last}', '{KIM}', 'completed', '{now}', '{now}'"
    await change(sender, f"INSERT INTO ris_radiologystudy ({columns}) VALUES ({held})")  # noqa: S608
    before = await kept(sender)
    images = [image(), image()]
    answer = await sender.store(*images)
    await change(sender, f"DELETE FROM ris_radiologystudy WHERE study_id = 'ST-{year}-{last}'")  # noqa: S608
    assert answer.status_code == (202 if left else 409)
    assert stored(answer) == [i.instance for i in images[:left]]
    refused = answer.json()["00081198"]["Value"]
    assert [i["00081155"]["Value"][0] for i in refused] == [i.instance for i in images[left:]]
    assert failures(answer) == [0x0110] * (2 - left)
    assert f"the keys ST-{year}-... of ris_radiologystudy are used up" in answer.headers["warning"]
    assert (await kept(sender))[0] == before[0] + left
    assert "retry-after" not in answer.headers
    for one in images[:left]:
        assert (await sender.delete(f"/studies/{one.study}")).status_code in (200, 204)


async def change(sender: Sender, sql: str) -> None:
    """What another program writes."""
    async with transaction(sender.facade.service.engine.database) as t:
        await t.execute(text(sql))
