"""What the index keeps of a Part 10 file: its address, and the columns and attributes of its three levels."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from sqlalchemy import Table

from dicomweb.archives.archive import Address
from dicomweb.index.bounded import NotDicomError
from dicomweb.index.dicom_json import Json, dataset_of
from dicomweb.index.part10 import Header, damaged, header_of
from mappers.facade.imaging import fhir_dicom_series, fhir_dicom_study

LEVELS = Path(__file__).parent / "levels.csv"
#: PS3.5 9.1, but for leading zeros, which many devices write
#: https://dicom.nema.org/medical/dicom/current/output/html/part05.html#chapter_9
UID = re.compile(r"[0-9]+(\.[0-9]+)*")
UID_LENGTH = 64

#: columns by the attribute that they repeat
STUDY_TEXTS = {
    "patient_id": "00100020",
    "issuer": "00100021",
    "patient_name": "00100010",
    "patient_sex": "00100040",
    "accession_number": "00080050",
    "study_id": "00200010",
    "description": "00081030",
    "referring_physician": "00080090",
}
STUDY_DATES = {"patient_birth_date": "00100030", "study_date": "00080020"}
STUDY_TIMES = {"study_time": "00080030"}
SERIES_TEXTS = {
    "modality": "00080060",
    "description": "0008103E",
    "body_part": "00180015",
    "laterality": "00200060",
    "performer": "00081050",
}
SERIES_DATES = {"series_date": "00080021", "performed_date": "00400244"}
SERIES_TIMES = {"series_time": "00080031", "performed_time": "00400245"}
INSTANCE_NUMBERS = {
    "number": "00200013",
    "row_count": "00280010",
    "column_count": "00280011",
    "bits_allocated": "00280100",
}
#: cut, they would be somebody else's
IDENTIFIERS = frozenset({"patient_id", "issuer", "accession_number", "study_id"})

Columns = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One instance. The mappings hold columns of `fhir_dicom_study`, `_series` and `_instance`.

    `metadata`: DICOM JSON of all attributes, without brackets around it; `whole`: nothing of a stated
    length is missing at the file's end.
    """

    address: Address
    study: Columns
    series: Columns
    instance: Columns
    metadata: str
    whole: bool

    @property
    def patient_id(self) -> str:
        """PatientID as the file has it."""
        return str(self.study["patient_id"])

    @property
    def accession_number(self) -> str:
        """AccessionNumber as the file has it."""
        return str(self.study["accession_number"])


def entry_of(file: BinaryIO) -> Entry:
    """The entry of a Part 10 file, which is read from its start up to its pixels; raises NotDicomError.

    Texts come in Unicode, whatever character set the file is in, and cut to the length of their columns.
    """
    header = header_of(file)
    try:
        told = dataset_of(header)
    except NotDicomError:
        raise
    except Exception as error:  # whatever a parser says of bytes that anybody may send
        raise damaged(error) from None
    return _entry(header, told, file.seek(0, 2))


def _entry(header: Header, told: Json, size: int) -> Entry:
    address = Address(*(_uid(told, tag, name) for tag, name in _UIDS))
    instance = {
        "sop_class": _uid(told, "00080016", "SOPClassUID"),
        "transfer_syntax": header.transfer_syntax[:UID_LENGTH],
        "frames": None if header.pixels is None else max(_number(told, "00280008") or 1, 1),
        "size": size,
    } | {name: _number(told, tag) for name, tag in INSTANCE_NUMBERS.items()}
    return Entry(address, _study(told), _series(told), instance, _text_of(told), header.whole)


_UIDS = (
    ("0020000D", "StudyInstanceUID"),
    ("0020000E", "SeriesInstanceUID"),
    ("00080018", "SOPInstanceUID"),
)


def _uid(told: Json, tag: str, name: str) -> str:
    uid = _text(told, tag)
    if not uid:
        raise NotDicomError(f"it has no {name}")
    if not is_uid(uid):
        raise NotDicomError(f"its {name} is no UID")
    return uid


def is_uid(text: str) -> bool:
    """Whether it is a UID: digits and dots, 64 at most."""
    return len(text) <= UID_LENGTH and UID.fullmatch(text) is not None


def _study(told: Json) -> Columns:
    return (
        _texts(told, STUDY_TEXTS, fhir_dicom_study)
        | {name: _date(told, tag) for name, tag in STUDY_DATES.items()}
        | {name: _time(told, tag) for name, tag in STUDY_TIMES.items()}
        | {"attributes": _level(told, "study")}
    )


def _series(told: Json) -> Columns:
    return (
        _texts(told, SERIES_TEXTS, fhir_dicom_series)
        | {name: _date(told, tag) for name, tag in SERIES_DATES.items()}
        | {name: _time(told, tag) for name, tag in SERIES_TIMES.items()}
        | {"number": _number(told, "00200011"), "attributes": _level(told, "series")}
    )


def _level(told: Json, level: str) -> str:
    """DICOM JSON of a level's attributes."""
    return _text_of({tag: told[tag] for tag in told.keys() & tags_of(level)})


def _text_of(told: Json) -> str:
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()


@cache
def tags_of(level: str) -> frozenset[str]:
    """The attributes that a study or series has in common for all its instances."""
    with LEVELS.open(encoding="ascii", newline="") as lines:
        return frozenset(line["tag"] for line in csv.DictReader(lines) if line["level"] == level)


def _texts(told: Json, columns: Mapping[str, str], table: Table) -> dict[str, Any]:
    return {name: _fitting(_text(told, tag), name, table) for name, tag in columns.items()}


def _fitting(text: str, name: str, table: Table) -> str:
    length = int(table.c[name].type.length)  # type: ignore[attr-defined]
    if name in IDENTIFIERS and len(text) > length:
        return ""
    return text[:length]


def _text(told: Json, tag: str) -> str:
    """All values as one text: a name's groups between `=`, several values between backslashes."""
    return "\\".join(_one(value) for value in told.get(tag, {}).get("Value", ()))


def _one(value: Any) -> str:
    if isinstance(value, dict):
        groups = [value.get(kind, "") for kind in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    return "" if value is None else str(value)


def _date(told: Json, tag: str) -> str:
    """`YYYYMMDD`, also of the older `YYYY.MM.DD`; blank for what is no date."""
    text = _text(told, tag).replace(".", "")
    return text if len(text) == 8 and text.isascii() and text.isdigit() else ""


def _time(told: Json, tag: str) -> str:
    """`HHMMSS.FFFFFF` as far as it is stated, also of the older `HH:MM:SS`; blank for what is no time."""
    text = _text(told, tag).replace(":", "")
    return text if _TIME.fullmatch(text) else ""


_TIME = re.compile(r"[0-9]{2}([0-9]{2}([0-9]{2}(\.[0-9]{1,6})?)?)?")


def _number(told: Json, tag: str) -> int | None:
    """The first value, where it is a number that the column can hold."""
    value = next(iter(told.get(tag, {}).get("Value", ())), None)
    return value if isinstance(value, int) and abs(value) < 2**31 else None
