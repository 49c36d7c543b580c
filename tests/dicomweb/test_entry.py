"""What the index reads of Part 10 files, also of broken ones and of those that were made to break it."""

from __future__ import annotations

import io
import json
import random
import struct
import tracemalloc
import zlib
from typing import Any, BinaryIO

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from dicomweb.index.bounded import NotDicomError
from dicomweb.index.entry import entry_of
from tests.dicomweb.phantom import INSTANCE, SERIES, STUDY, dataset, part10, sample


def metadata_of(file: BinaryIO) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(entry_of(file).metadata)
    return found


@pytest.mark.parametrize(
    ("name", "patient_name"),
    [
        ("chrKoreanMulti.dcm", "김희중"),
        ("chrI2.dcm", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("chrH32.dcm", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
        ("chrX1.dcm", "Wang^XiaoDong=王^小東"),
        ("chrX2.dcm", "Wang^XiaoDong=王^小东"),
        ("chrGerm.dcm", "Äneas^Rüdiger"),
        ("chrArab.dcm", "قباني^لنزار"),
    ],
)
def test_names_come_in_unicode_whatever_the_character_set(name: str, patient_name: str) -> None:
    entry = entry_of(sample(name))
    assert entry.study["patient_name"] == patient_name
    told = json.loads(entry.metadata)
    groups = dict(zip(("Alphabetic", "Ideographic", "Phonetic"), patient_name.split("="), strict=False))
    assert told["00100010"]["Value"] == [groups]
    assert told["00080005"] == {"vr": "CS", "Value": ["ISO_IR 192"]}


def test_a_korean_name_of_the_demo_reads_the_same_in_both_character_sets() -> None:
    for charset in ("ISO_IR 192", ["", "ISO 2022 IR 149"]):
        made = dataset()
        made.SpecificCharacterSet = charset
        made.PatientName, made.StudyDescription = "Kim^Younghee=金^英姬=김^영희", "뇌 자기공명영상"
        entry = entry_of(part10(made))
        assert entry.study["patient_name"] == "Kim^Younghee=金^英姬=김^영희"
        assert entry.study["description"] == "뇌 자기공명영상"


#: transfer syntaxes and vendors: the same facts are read from each
FILES = {
    "CT_small.dcm": ("1.2.840.10008.1.2.1", 128, 1),
    "MR_small_implicit.dcm": ("1.2.840.10008.1.2", 64, 1),
    "MR_small_bigendian.dcm": ("1.2.840.10008.1.2.2", 64, 1),
    "MR_small_RLE.dcm": ("1.2.840.10008.1.2.5", 64, 1),
    "MR_small_jpeg_ls_lossless.dcm": ("1.2.840.10008.1.2.4.80", 64, 1),
    "JPEG2000.dcm": ("1.2.840.10008.1.2.4.91", 1024, 1),
    "JPEG-lossy.dcm": ("1.2.840.10008.1.2.4.51", 1024, 1),
    "image_dfl.dcm": ("1.2.840.10008.1.2.1.99", 512, 1),
    "examples_ybr_color.dcm": ("1.2.840.10008.1.2.4.50", 240, 30),
    "rtdose_rle.dcm": ("1.2.840.10008.1.2.5", 10, 15),
    "reportsi.dcm": ("1.2.840.10008.1.2.1", None, None),
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_many_devices_are_indexed(name: str) -> None:
    syntax, rows, frames = FILES[name]
    file = sample(name)
    entry = entry_of(file)
    assert (entry.instance["transfer_syntax"], entry.instance["row_count"]) == (syntax, rows)
    assert (entry.instance["frames"], entry.whole) == (frames, True)
    assert entry.instance["size"] == len(file.read() if file.seek(0) == 0 else b"")
    told = json.loads(entry.metadata)
    assert ("7FE00010" in told) == (frames is not None)
    if frames is not None:
        assert told["7FE00010"]["BulkDataURI"] == "bulkdata/7FE00010"
    assert not [tag for tag in told if tag.endswith("0000")]  # no group lengths
    assert list(told) == sorted(told)


def test_all_encodings_of_one_image_say_the_same() -> None:
    names = ("MR_small", "MR_small_implicit", "MR_small_bigendian", "MR_small_RLE")
    plain, *others = [metadata_of(sample(f"{name}.dcm")) for name in names]
    for other in others:
        assert {t: e for t, e in other.items() if t != "7FE00010"} == {
            t: e for t, e in plain.items() if t != "7FE00010"
        }


def test_numbers_are_numbers_and_broken_ones_their_text() -> None:
    made = dataset(SliceThickness="5.0", InstanceNumber="7", SeriesNumber="")
    made.PixelSpacing = ["0.50", "1e-2"]
    made.add_new(0x00189461, "FL", [0.5, float("nan"), float("-inf")])
    made.add_new(0x00280106, "US", 65535)
    made.add_new(0x00089458, "UV", 2**64 - 1)
    made.add_new(0x00209165, "AT", [0x00289110, 0x00180050])
    file = part10(made)
    broken = io.BytesIO(file.read().replace(b"0.50\\1e-2 ", b"0_50\\abc  "))
    told, damaged = metadata_of(file), metadata_of(broken)
    assert told["00180050"] == {"vr": "DS", "Value": [5.0]}
    assert told["00200013"] == {"vr": "IS", "Value": [7]}
    assert told["00200011"] == {"vr": "IS"}
    assert told["00280030"]["Value"] == [0.5, 0.01]
    assert damaged["00280030"]["Value"] == ["0_50", "abc"]
    assert told["00189461"]["Value"] == [0.5, "NaN", "-Infinity"]
    assert told["00280106"]["Value"] == [65535]
    assert told["00089458"]["Value"] == [2**64 - 1]
    assert told["00209165"] == {"vr": "AT", "Value": ["00289110", "00180050"]}


def test_large_binary_values_are_told_by_reference_and_small_ones_inline() -> None:
    inner = Dataset()
    inner.add_new(0x7FE00010, "OW", b"\1\2")
    inner.add_new(0x00282000, "OB", b"\7" * 2000)
    made = dataset(IconImageSequence=Sequence([Dataset(), inner]))
    made.add_new(0x00282000, "OB", b"\1\2\3\4")
    made.add_new(0x00091001, "OB", b"\0" * 5000)
    told = metadata_of(part10(made))
    assert told["00282000"] == {"vr": "OB", "InlineBinary": "AQIDBA=="}
    assert told["00091001"] == {"vr": "OB", "BulkDataURI": "bulkdata/00091001"}
    assert told["00880200"]["Value"] == [
        {},
        {
            "00282000": {"vr": "OB", "BulkDataURI": "bulkdata/00880200/2/00282000"},
            "7FE00010": {"vr": "OW", "BulkDataURI": "bulkdata/00880200/2/7FE00010"},
        },
    ]


def test_words_of_a_big_endian_file_are_told_in_little_endian() -> None:
    made = dataset()
    made.add_new(0x00281201, "OW", b"\1\2\3\4")
    assert metadata_of(part10(made, ExplicitVRBigEndian))["00281201"]["InlineBinary"] == "AgEEAw=="


def test_private_attributes_keep_the_vr_that_they_state_or_are_known_by() -> None:
    made = dataset()
    block = made.private_block(0x0019, "GEMS_ACQU_01", create=True)
    block.add_new(0x02, "SL", 512)
    explicit, implicit = metadata_of(part10(made)), metadata_of(part10(made, ImplicitVRLittleEndian))
    assert explicit["00191002"] == implicit["00191002"] == {"vr": "SL", "Value": [512]}
    assert implicit["00190010"] == {"vr": "LO", "Value": ["GEMS_ACQU_01"]}


def test_a_large_text_is_told_whole() -> None:
    text = "가" * 3000
    made = dataset(SpecificCharacterSet="ISO_IR 192")
    made.add_new(0x0040A160, "UT", text)
    assert metadata_of(part10(made))["0040A160"]["Value"] == [text]


def test_texts_are_cut_to_their_columns_but_identifiers_are_not_made_anothers() -> None:
    entry = entry_of(part10(StudyDescription="x" * 400, PatientID="P" * 65))
    assert entry.study["description"] == "x" * 255
    assert entry.patient_id == ""
    assert json.loads(entry.study["attributes"])["00081030"]["Value"] == ["x" * 400]
    assert json.loads(entry.study["attributes"])["00100020"]["Value"] == ["P" * 65]


def test_dates_and_times_of_the_old_forms_are_told_as_the_new_ones_and_no_dates_not_at_all() -> None:
    made = part10(StudyDate="20250108", StudyTime="134210.5", SeriesDate="20251340", PatientBirthDate="19")
    old = io.BytesIO(made.getvalue().replace(b"134210.5", b"13:42:10"))  # type: ignore[attr-defined]
    assert entry_of(made).study["study_time"] == "134210.5"
    assert entry_of(old).study["study_time"] == "134210"
    assert entry_of(made).study["study_date"] == "20250108"
    assert entry_of(made).study["patient_birth_date"] == ""


def test_levels_have_their_own_attributes_only() -> None:
    entry = entry_of(part10(SeriesDescription="axial", StudyDescription="brain", PatientSex="F"))
    study, series = json.loads(entry.study["attributes"]), json.loads(entry.series["attributes"])
    assert {"00081030", "00100020", "00100040", "0020000D"} <= set(study)
    assert {"0008103E", "00080060", "0020000E"} <= set(series)
    assert not set(study) & {"0008103E", "00080060", "0020000E", "7FE00010", "00080018"}
    assert not set(series) & {"00081030", "00100020", "0020000D", "7FE00010", "00080018"}


@pytest.mark.parametrize(
    "keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"]
)
@pytest.mark.parametrize("uid", ["", "../../etc", "1.2." + "3" * 61, "1..2", "1.2\\1.3", "1.2a", ".1"])
def test_what_is_no_uid_is_refused_by_name(keyword: str, uid: str) -> None:
    file = part10()
    held = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SOPInstanceUID": INSTANCE}
    made = dataset()
    setattr(made, keyword, held.get(keyword, "1.2.3"))
    made[keyword]._value = uid
    file = part10(made)
    with pytest.raises(NotDicomError, match=keyword):
        entry_of(file)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "preamble"),
        (b"%PDF-1.7" + b"\0" * 500, "preamble"),
        (b"\0" * 128 + b"DICM", "transfer syntax"),
        (b"\0" * 128 + b"DICM" + b"\xff" * 64, "transfer syntax"),
    ],
)
def test_what_is_no_part_10_file_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(NotDicomError, match=why):
        entry_of(io.BytesIO(content))


@pytest.mark.parametrize("name", ["rtplan_truncated.dcm", "MR_truncated.dcm"])
def test_a_file_that_is_cut_off_says_so(name: str) -> None:
    assert entry_of(sample(name)).whole is False


def test_a_file_cut_anywhere_is_refused_or_known_to_be_cut() -> None:
    whole = part10().read()
    boundaries = 0
    for end in range(len(whole)):
        try:
            entry = entry_of(io.BytesIO(whole[:end]))
        except NotDicomError:
            continue
        assert not entry.whole or "7FE00010" not in entry.metadata
        boundaries += entry.whole
    assert boundaries < 12  # between two attributes nothing tells that more were to come


def test_sequences_a_thousand_deep_are_refused() -> None:
    undefined, item = struct.pack("<HH2sHL", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF), b"\xfe\xff\x00\xe0"
    deep = (undefined + item + b"\xff\xff\xff\xff") * 1000
    with pytest.raises(NotDicomError, match="deep"):
        entry_of(io.BytesIO(_headed() + deep))


def test_sequences_of_stated_length_are_refused_as_deep() -> None:
    inner = b""
    for _ in range(200):
        item = b"\xfe\xff\x00\xe0" + struct.pack("<L", len(inner)) + inner
        inner = struct.pack("<HH2sHL", 0x0040, 0xA730, b"SQ", 0, len(item)) + item
    with pytest.raises(NotDicomError, match="deep"):
        entry_of(io.BytesIO(_headed() + inner))


def test_a_stated_length_beyond_the_file_costs_no_memory() -> None:
    lying = struct.pack("<HH2sHL", 0x0040, 0xA160, b"UT", 0, 0xFFFFFFF0)
    tracemalloc.start()
    try:
        assert entry_of(io.BytesIO(part10().read() + lying)).whole  # it is behind the pixels
        with pytest.raises(NotDicomError):
            entry_of(io.BytesIO(_headed() + lying))
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_a_deflated_bomb_stays_closed() -> None:
    """Zeros that deflate to a thousandth: before the pixels they are refused, as pixels never inflated."""
    body = io.BytesIO(part10(syntax=DeflatedExplicitVRLittleEndian).read())
    head = body.getvalue()[: _meta_length(body.getvalue())]
    private = struct.pack("<HH2sHL", 0x0009, 0x1001, b"OB", 0, 100_000_000)
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = deflate.compress(private) + b"".join(deflate.compress(bytes(10**6)) for _ in range(100))
    tracemalloc.start()
    try:
        with pytest.raises(NotDicomError, match="large"):
            entry_of(io.BytesIO(head + bomb + deflate.flush()))
        assert tracemalloc.get_traced_memory()[1] < 200_000_000
    finally:
        tracemalloc.stop()


def test_a_deflated_text_is_told_to_its_last_letter() -> None:
    """The last letters come out after all bytes have gone in."""
    for length in range(65_280, 65_344, 2):
        whole = part10(TextValue="0" * length, syntax=DeflatedExplicitVRLittleEndian).read()
        head = whole[: _meta_length(whole)]
        written = zlib.decompress(whole[len(head) :], -zlib.MAX_WBITS)
        text_at_the_end = written[: written.index(b"\xe0\x7f\x10\0")]
        deflate = zlib.compressobj(2, zlib.DEFLATED, -zlib.MAX_WBITS, 8, zlib.Z_FIXED)
        found = entry_of(io.BytesIO(head + deflate.compress(text_at_the_end) + deflate.flush()))
        assert (found.whole, len(json.loads(found.metadata)["0040A160"]["Value"][0])) == (True, length)


def test_no_refusal_repeats_what_is_in_the_file() -> None:
    made = dataset(PatientName="Secret^Name")
    made["StudyInstanceUID"]._value = "Secret"
    with pytest.raises(NotDicomError) as fault:
        entry_of(part10(made))
    assert "Secret" not in str(fault.value)


def _headed() -> bytes:
    """Preamble and meta information of an explicit little endian file."""
    whole = part10().read()
    return whole[: _meta_length(whole)]


def _meta_length(whole: bytes) -> int:
    return 144 + int.from_bytes(whole[140:144], "little")


def test_bytes_that_were_changed_anywhere_are_read_or_refused_and_nothing_else() -> None:
    chance = random.Random(7)
    names = (
        "CT_small.dcm",
        "MR_small_implicit.dcm",
        "MR_small_bigendian.dcm",
        "test-SR.dcm",
        "image_dfl.dcm",
    )
    files = [sample(name).read()[:12_000] for name in names]
    refused = 0
    for _ in range(400):
        damaged = bytearray(chance.choice(files))
        for _ in range(chance.choice((1, 2, 30))):
            at = chance.randrange(len(damaged))
            damaged[at : at + chance.choice((1, 4))] = chance.choice(
                (b"\xff" * 4, b"\0", b"\xfe\xff\x00\xe0")
            )
        try:
            entry = entry_of(io.BytesIO(bytes(damaged)))
        except NotDicomError:
            refused += 1
        else:
            assert isinstance(json.loads(entry.metadata), dict)
    assert 0 < refused < 400
