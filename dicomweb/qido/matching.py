"""Conditions of a search on the index's columns. https://dicom.nema.org/medical/dicom/current/output/html/part04.html#sect_C.2.2.2

Texts are matched as people write them, without regard to case and accents; identifiers without wildcards and
UIDs exactly. What isn't there matches nothing but a search for anything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Select, func, literal, literal_column, select
from sqlalchemy.types import String

from dicomweb.http.faults import DicomFault
from dicomweb.http.paths import is_uid
from dicomweb.qido.asked import Match
from dicomweb.qido.attributes import path_of
from mappers.facade.imaging import fhir_dicom_series, fhir_dicom_study
from mappers.sql import Condition, all_of, any_of, exact
from mappers.statement import Slots

S = fhir_dicom_study.c
_DATE = re.compile(r"[0-9]{8}")
_TIME = re.compile(r"[0-9]{2}([0-9]{2}([0-9]{2}(\.[0-9]{1,6})?)?)?")
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
#: component delimiters that may stand at a name's end: as many components may be empty
DELIMITERS = 4
WILD = str.maketrans({"*": "%", "?": "_", "%": "|%", "_": "|_", "|": "||"})


class Bound:
    """Values of a statement, each in a slot of its own."""

    def __init__(self, slots: Slots) -> None:
        self.slots, self.values = slots, dict[str, Any]()

    def __call__(self, value: Any) -> Any:
        """A slot with that value."""
        name = f"q{len(self.values)}"
        self.values[name] = value
        return self.slots.named(name)


def condition(match: Match, column: ColumnElement[Any], bound: Bound, *, fuzzy: bool) -> Condition:
    """What a match asks of a column; raises DicomFault 400 for a value that the attribute can't have."""
    name = match.attribute.keyword
    if match.attribute.matching == "name" and fuzzy:
        return any_of(*(sounds_like(v, column, bound) for v in match.values))
    ask = KINDS[match.attribute.matching]
    return any_of(*(ask(name, v, column, bound) for v in match.values))


def uid(name: str, value: str, column: ColumnElement[Any], bound: Bound) -> Condition:
    """A UID, exactly."""
    if not is_uid(value):
        raise DicomFault(400, f"{name} is a UID: digits and dots, at most 64 of them")
    found: Condition = column == bound(value)
    return found


def code(name: str, value: str, column: ColumnElement[Any], bound: Bound) -> Condition:
    """A word of a fixed list, or a pattern."""
    return text(name, value, column, bound)


def text(name: str, value: str, column: ColumnElement[Any], bound: Bound) -> Condition:
    """A text, or a pattern with * and ?."""
    return like(column, value.translate(WILD), bound)


def identifier(name: str, value: str, column: ColumnElement[Any], bound: Bound) -> Condition:
    """An identifier, exactly; or a pattern."""
    if "*" in value or "?" in value:
        return text(name, value, column, bound)
    found: Condition = column == exact(bound(value))
    return found


def like(column: ColumnElement[Any], pattern: str, bound: Bound) -> Condition:
    """LIKE, of both canonical forms: files may hold either."""
    forms = dict.fromkeys(unicodedata.normalize(form, pattern) for form in ("NFC", "NFD"))
    return any_of(*(column.like(bound(one), escape="|") for one in forms))


def person(name: str, value: str, column: ColumnElement[Any], bound: Bound) -> Condition:
    """A name, or a pattern of one, in any of its component groups; or the groups together."""
    pattern = value.translate(WILD).rstrip("^")
    return like(_groups(column), f"%={pattern}=%", bound)


def _groups(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """`=A^B=C=` of a name `A^B^^=C`: each group between delimiters, without those of empty components."""
    mark, end = literal("=", String()), literal("", String())
    found: ColumnElement[Any] = func.concat_ws(mark, end, column, end)
    for _ in range(DELIMITERS):
        found = func.replace(found, literal("^=", String()), literal("=", String()))
    return found


def sounds_like(value: str, column: ColumnElement[Any], bound: Bound) -> Condition:
    """Fuzzy matching: each word begins some word of the name, in whatever order and component group."""
    words = [w for w in re.split(r"[\s^=,*?]+", value) if w]
    return all_of(
        *(
            any_of(*(like(column, f"{before}{w.translate(WILD)}%", bound) for before in _BEFORE))
            for w in words
        )
    )


_BEFORE = ("", "%^", "%=", "% ", "%-")


def date(name: str, value: str, column: ColumnElement[Any], bound: Bound) -> Condition:
    """A day, or a range of days `from-to` of which either end may be open."""
    low, high = _ends(name, value, _a_day)
    if low == high:
        day: Condition = column == bound(low)
        return day
    return _between(column, low, high, bound)


def _a_day(name: str, text: str) -> str:
    if text and not _DATE.fullmatch(text):
        raise DicomFault(400, f"{name} is a date YYYYMMDD, or a range of them: YYYYMMDD-YYYYMMDD")
    return text


def time(name: str, value: str, column: ColumnElement[Any], bound: Bound) -> Condition:
    """A time, as precisely as it is stated, or a range of times."""
    low, high = _ends(name, value, _a_time)
    return _between(column, _earliest(low), high and _latest(high), bound)


def _a_time(name: str, text: str) -> str:
    plain = text.replace(":", "")
    if plain and not _TIME.fullmatch(plain):
        raise DicomFault(400, f"{name} is a time HHMMSS.FFFFFF or less of it, or a range: HHMM-HHMM")
    return plain


def _earliest(text: str) -> str:
    """What all times from there on come after, also those that are stated less precisely."""
    whole, _, fraction = text.partition(".")
    if fraction.strip("0"):
        return text
    while whole.endswith("00") and len(whole) > 2:
        whole = whole[:-2]
    return whole


def _latest(text: str) -> str:
    """The last moment of a time."""
    whole, _, fraction = text.partition(".")
    return f"{whole}{'5959'[len(whole) - 2 :] if len(whole) < 6 else ''}.{fraction:9<6}"


def _ends(name: str, value: str, parsed: Callable[[str, str], str]) -> tuple[str, str]:
    low, dash, high = (part.strip() for part in value.partition("-"))
    if not dash:
        high = low
    found = parsed(name, low), parsed(name, high)
    if not any(found):
        raise DicomFault(400, f"{name}: a range has one end at least")
    return found


def _between(column: ColumnElement[Any], low: str, high: str, bound: Bound) -> Condition:
    there: Condition = column > bound("") if not low else column >= bound(low)
    return all_of(there, *((column <= bound(high),) if high else ()))


def number(name: str, value: str, column: ColumnElement[Any], bound: Bound) -> Condition:
    """A whole number."""
    if not _NUMBER.fullmatch(value):
        raise DicomFault(400, f"{name} is a whole number")
    found: Condition = column == bound(int(value))
    return found


def item(name: str, value: str, column: ColumnElement[Any], bound: Bound) -> Condition:
    """A value within a sequence, as the index's DICOM JSON writes it: by its whole."""
    if "*" in value or "?" in value:
        raise DicomFault(400, f"{name} is compared as a whole, without * and ?")
    tag = (path_of(name) or "").rpartition(".")[2]
    written = f'"{tag}":{{"Value":[{orjson.dumps(value).decode()}'
    found: Condition = func.instr(column, exact(bound(written))) > literal_column("0")
    return found


def modalities(name: str, value: str, column: ColumnElement[Any], bound: Bound) -> Condition:
    """That the study has a series of such a modality; asked of each study that is looked at, in order.

    An aggregate keeps servers from turning it into a list of all such studies.
    """
    of = fhir_dicom_series.alias("of_modality").c
    one: Select[Any] = select(func.max(literal_column("1"))).where(
        of.study == S.study, text(name, value, of.modality, bound)
    )
    looked_up = one.correlate(fhir_dicom_study).scalar_subquery()
    found: Condition = func.coalesce(looked_up, literal_column("0")) == literal_column("1")
    return found


Ask = Callable[[str, str, ColumnElement[Any], Bound], Condition]
KINDS: Mapping[str, Ask] = {
    "uid": uid,
    "code": code,
    "text": text,
    "id": identifier,
    "patient": identifier,
    "name": person,
    "date": date,
    "time": time,
    "number": number,
    "modalities": modalities,
    "item": item,
}
