"""Frames and other transfer syntaxes made of Part 10 files, whatever wrote them."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEGBaseline8Bit, JPEGLosslessSV1

from dicomweb.wado import part10
from dicomweb.wado.codestream import NOTHING, declared
from dicomweb.wado.part10 import Part10, UnreadableError, UnsuitableError, opened
from dicomweb.wado.pixels import decoded, plain, stored
from dicomweb.wado.syntaxes import EXPLICIT, LOSSLESS, convertible
from dicomweb.wado.transcoding import pieces, transcoded
from tests.dicomweb.files import packaged
from tests.dicomweb.phantom import dataset
from tests.dicomweb.phantom import part10 as phantom
from tests.dicomweb.wado.samples import HIGH_THROUGHPUT, LOSSY, NAMES, sample
from tests.dicomweb.wado.samples import LOSSLESS as LOSSLESS_SAMPLES

TARGETS = {
    "explicit": EXPLICIT,
    "implicit": "1.2.840.10008.1.2",
    "rle": "1.2.840.10008.1.2.5",
    "jpeg-ls": "1.2.840.10008.1.2.4.80",
    "j2k": "1.2.840.10008.1.2.4.90",
}
#: what conversions of lossless pixels may change
CHANGED = {0x7FE00010, 0x00280006}
COLOURS = 0x00280004


def opened_sample(name: str) -> Part10:
    return opened(io.BytesIO(sample(name)))


def frames_of(content: bytes) -> Any:
    found = pydicom.dcmread(io.BytesIO(content))
    return pixel_array(found, raw=True)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("name", LOSSLESS_SAMPLES)
def test_a_lossless_file_has_the_same_pixels_and_attributes_in_every_other_syntax(
    name: str, target: str
) -> None:
    made = b"".join(transcoded(opened_sample(name), target)) if fits(name, target) else b""
    if not made:
        with pytest.raises(UnsuitableError, match="can't be compressed"):
            b"".join(transcoded(opened_sample(name), target))
        return
    before, after = pydicom.dcmread(io.BytesIO(sample(name))), pydicom.dcmread(io.BytesIO(made))
    assert after.file_meta.TransferSyntaxUID == target
    assert np.array_equal(frames_of(made), frames_of(sample(name)))
    changed = CHANGED | ({COLOURS} if name == "htj2k lossless colour" else set())
    assert {e.tag: e.value for e in after if e.tag not in changed and not e.tag.is_private} == {
        e.tag: e.value for e in before if e.tag not in changed and not e.tag.is_private and e.tag.element != 0
    }
    assert COLOURS not in changed or after[COLOURS].value == "RGB"


def fits(name: str, target: str) -> bool:
    """Samples of 32 bits aren't compressed."""
    return name != "frames" or target in (TARGETS["explicit"], TARGETS["implicit"])


@pytest.mark.parametrize("name", LOSSY)
def test_a_lossy_file_says_so_when_it_is_decoded_and_is_never_told_to_be_lossless(name: str) -> None:
    made = pydicom.dcmread(io.BytesIO(b"".join(transcoded(opened_sample(name), EXPLICIT))))
    assert made.LossyImageCompression == "01"
    assert made.PhotometricInterpretation in ("MONOCHROME2", "RGB", "YBR_FULL")
    with pytest.raises(UnsuitableError, match="isn't converted"):
        next(transcoded(opened_sample(name), TARGETS["j2k"]))


@pytest.mark.parametrize("name", [*LOSSLESS_SAMPLES, *LOSSY])
def test_each_frame_is_uncompressed_as_pydicom_decodes_it(name: str) -> None:
    file = opened_sample(name)
    expected = pydicom.dcmread(io.BytesIO(sample(name)))
    shape = (expected.Rows, expected.Columns, expected.SamplesPerPixel, expected.BitsAllocated // 8)
    for index in {0, file.frames - 1}:
        assert len(plain(file, index)) == np.prod(shape)
    if name in ("jpeg 12 bit", "jpeg frames"):
        return
    whole = pixel_array(expected, index=file.frames - 1, raw=True)
    whole = whole.astype(whole.dtype.newbyteorder("<"))
    if expected.get("PlanarConfiguration") == 1:
        whole = whole.transpose(2, 0, 1)
    assert plain(file, file.frames - 1) == whole.tobytes()


@pytest.mark.parametrize("name", HIGH_THROUGHPUT)
def test_htj2k_is_what_was_encoded(name: str) -> None:
    source = pydicom.dcmread(packaged(NAMES[name]).file).pixel_array
    found, _ = decoded(opened_sample(name), 0)
    assert (found.shape, found.dtype) == (source.shape, source.dtype)
    most = 0 if name in LOSSLESS_SAMPLES else 200
    assert np.abs(found.astype(np.int32) - source.astype(np.int32)).max() <= most


def test_jpeg_of_12_bits_is_decoded() -> None:
    array, _ = decoded(opened_sample("jpeg 12 bit"), 0)
    assert (array[420, 140], array[230, 120], array.max()) == (244, 95, 264)


def test_a_compressed_frame_is_found_without_its_neighbours() -> None:
    file = opened_sample("jpeg frames")
    source = pydicom.dcmread(io.BytesIO(sample("jpeg frames")))
    for index in (0, 17, 29):
        assert stored(file, index) == get_frame(source.PixelData, index, number_of_frames=30)


def test_the_file_as_it_is_stored_is_given_back_to_the_byte() -> None:
    assert b"".join(pieces(opened_sample("j2k"))) == sample("j2k")


def test_a_frame_of_bits_that_begins_within_a_byte_is_moved_to_its_start() -> None:
    made = dataset(Rows=3, Columns=3, BitsAllocated=1, BitsStored=1, HighBit=0, NumberOfFrames=2)
    made.PixelData = np.packbits([1] * 9 + [1, 0, 1, 0, 1, 0, 1, 0, 1], bitorder="little").tobytes() + b"\0"
    file = opened(phantom(made))
    bits = np.unpackbits(np.frombuffer(stored(file, 1), np.uint8), bitorder="little")
    assert bits[:9].tolist() == [1, 0, 1, 0, 1, 0, 1, 0, 1]


def test_a_file_that_ends_early_is_said_to() -> None:
    with pytest.raises(UnreadableError, match="8130 bytes where 8192 are needed"):
        stored(opened_sample("truncated"), 0)


def test_a_deflate_bomb_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part10, "INFLATED_LIMIT", 2**20)
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    whole = sample("deflated")
    meta = whole[: whole.index(b"1.2.840.10008.1.2.1.99")]
    end = 144 + struct.unpack("<I", whole[140:144])[0]
    assert len(meta) < end
    bomb = whole[:end] + deflate.compress(bytes(2**22)) + deflate.flush()
    with pytest.raises(UnreadableError, match="inflates to more than"):
        opened(io.BytesIO(bomb))


def test_a_frame_that_is_larger_than_the_header_says_is_not_decoded() -> None:
    source = pydicom.dcmread(io.BytesIO(sample("jpeg")))
    source.Rows = source.Columns = 10
    written = io.BytesIO()
    source.save_as(written)
    with pytest.raises(UnreadableError, match="a frame of 10 × 10 holds 10000 pixels"):
        decoded(opened(written), 0)


def of_samples(stream: bytes, samples: int) -> bytes:
    """A JPEG 2000 codestream that declares so many samples of each pixel."""
    length = int.from_bytes(stream[4:6], "big")
    siz = struct.pack(">H", 38 + 3 * samples) + stream[6:40] + struct.pack(">H", samples)
    return stream[:4] + siz + b"\x0f\x01\x01" * samples + stream[4 + length :]


@pytest.mark.parametrize(
    ("name", "bomb", "told"),
    [
        ("j2k lossless", lambda frame: of_samples(frame, 1000), "1000 samples"),
        ("jpeg", lambda frame: frame[:2] + b"\0" + frame[2:], "holds 10000 pixels"),
    ],
    ids=["samples", "between markers"],
)
def test_a_frame_that_would_fill_the_memory_is_not_decoded(
    name: str, bomb: Callable[[bytes], bytes], told: str
) -> None:
    source = pydicom.dcmread(io.BytesIO(sample(name)))
    frame = get_frame(source.PixelData, 0, number_of_frames=1)
    source.PixelData = encapsulate([bomb(frame)])
    source.Rows = source.Columns = 64
    written = io.BytesIO()
    source.save_as(written)
    with pytest.raises(UnreadableError, match=told):
        decoded(opened(written), 0)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"Rows": 65535, "Columns": 65535}, "more than"),
        ({"Rows": 0}, "frames would be 0 × 4"),
        ({"BitsAllocated": 13}, "13 bits"),
        ({"NumberOfFrames": 2**31 - 1}, "are needed"),
    ],
)
def test_what_a_header_claims_is_not_believed(changes: dict[str, Any], told: str) -> None:
    file = opened(phantom(**changes))
    with pytest.raises(UnreadableError, match=told):
        stored(file, file.frames - 1)


def test_bits_that_end_the_decoder_end_no_more_than_their_own_answer() -> None:
    source = pydicom.dcmread(io.BytesIO(sample("jpeg lossless")))
    frame = bytearray(get_frame(source.PixelData, 0, number_of_frames=1))
    frame[300:] = b"\xff\xd8\xff\xc3" * 40
    source.PixelData = encapsulate([bytes(frame)])
    written = io.BytesIO()
    source.save_as(written)
    with pytest.raises(UnreadableError):
        decoded(opened(written), 0)
    assert decoded(opened_sample("jpeg lossless"), 0)[0].shape == (100, 100, 3)


def test_a_codestream_tells_its_size() -> None:
    assert declared(stored(opened_sample("jpeg"), 0)) == (100 * 100, 3)
    assert declared(stored(opened_sample("jpeg-ls"), 0)) == (64 * 64, 1)
    assert declared(stored(opened_sample("j2k lossless"), 0)) == (64 * 64, 1)
    assert declared(b"no image") == NOTHING


@pytest.mark.parametrize("length", [0, 1, 6000], ids=["to the end", "in 64 bits", "behind long boxes"])
def test_a_codestream_in_boxes_tells_its_size(length: int) -> None:
    stream = stored(opened_sample("j2k lossless"), 0)
    before = struct.pack(">I4sI", 12, b"jP  ", 0x0D0A870A) + struct.pack(">I4s", 8 + length, b"free")
    last = struct.pack(">I4s", 1, b"jp2c") + struct.pack(">Q", 16 + len(stream))
    head = last if length == 1 else struct.pack(">I4s", 0, b"jp2c")
    assert declared(before + bytes(length) + head + stream) == (64 * 64, 1)
    assert declared(before) == NOTHING


def test_no_conversion_is_offered_that_would_lose_or_pretend() -> None:
    assert JPEGLosslessSV1 in LOSSLESS
    assert JPEGBaseline8Bit not in LOSSLESS
    assert convertible(JPEGLosslessSV1, EXPLICIT)
    assert convertible(JPEGBaseline8Bit, EXPLICIT)
    assert not convertible(JPEGBaseline8Bit, TARGETS["rle"])
    assert not convertible(EXPLICIT, JPEGBaseline8Bit)
    assert not convertible("1.2.840.10008.1.2.4.102", EXPLICIT)


def test_a_file_without_pixels_is_transcoded_too() -> None:
    made = pydicom.dcmread(io.BytesIO(b"".join(transcoded(opened_sample("report"), TARGETS["implicit"]))))
    before = pydicom.dcmread(io.BytesIO(sample("report")))
    assert made == before
