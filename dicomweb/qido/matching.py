"""What a search's values ask of columns. https://dicom.nema.org/medical/dicom/current/output/html/part04.html#sect_C.2.2.2

Texts are matched as people write them, without regard to case and accents; identifiers without wildcards and
UIDs exactly. What isn't there matches nothing but a search for anything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping

import orjson

from dicomweb.http.faults import DicomFault
from dicomweb.index.entry import is_uid
from dicomweb.qido.asked import Match
from dicomweb.qido.attributes import path_of
from dicomweb.qido.comparing import All, Any_, Leaf, Node

_DATE = re.compile(r"[0-9]{8}")
_TIME = re.compile(r"[0-9]{2}([0-9]{2}([0-9]{2}(\.[0-9]{1,6})?)?)?")
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
WILD = str.maketrans({"*": "%", "?": "_", "%": "|%", "_": "|_", "|": "||"})
#: where a word of a name may begin
_BEFORE = ("", "%^", "%=", "% ", "%-")


def asked_of(match: Match, *, fuzzy: bool) -> Node:
    """What a match asks of its column; raises DicomFault 400 for a value that the attribute can't have."""
    if match.attribute.matching == "name" and fuzzy:
        return Any_(tuple(sounds_like(v) for v in match.values))
    ask = KINDS[match.attribute.matching]
    return Any_(tuple(ask(match.attribute.keyword, v) for v in match.values))


def uid(name: str, value: str) -> Node:
    """A UID, exactly."""
    if not is_uid(value):
        raise DicomFault(400, f"{name} is a UID: digits and dots, at most 64 of them")
    return Leaf("equal", value)


def text(name: str, value: str) -> Node:
    """A text, or a pattern with * and ?."""
    return _pattern("like", value.translate(WILD))


def identifier(name: str, value: str) -> Node:
    """An identifier, exactly; or a pattern."""
    return text(name, value) if _is_pattern(value) else Leaf("exact", value)


def _is_pattern(value: str) -> bool:
    return "*" in value or "?" in value


def _pattern(how: str, pattern: str) -> Node:
    """LIKE, of both canonical forms: files may hold either."""
    forms = dict.fromkeys(unicodedata.normalize(form, pattern) for form in ("NFC", "NFD"))
    return Any_(tuple(Leaf(how, one) for one in forms))


def person(name: str, value: str) -> Node:
    """A name, or a pattern of one, in any of its component groups; or the groups together."""
    pattern = value.translate(WILD).rstrip("^")
    return _pattern("group", f"%={pattern}=%")


def sounds_like(value: str) -> Node:
    """Fuzzy matching: each word begins some word of the name, in whatever order and component group."""
    words = [w.translate(WILD) for w in re.split(r"[\s^=,*?]+", value) if w]
    if not words:
        raise DicomFault(400, "a name that is matched by its words has one at least")
    return All(tuple(Any_(tuple(_pattern("like", f"{b}{word}%") for b in _BEFORE)) for word in words))


def date(name: str, value: str) -> Node:
    """A day, or a range of days `from-to` of which either end may be open."""
    low, high = _ends(name, value, _a_day)
    return Leaf("equal", low) if low == high else _between(low, high)


def _a_day(name: str, text: str) -> str:
    if text and not _DATE.fullmatch(text):
        raise DicomFault(400, f"{name} is a date YYYYMMDD, or a range of them: YYYYMMDD-YYYYMMDD")
    return text


def time(name: str, value: str) -> Node:
    """A time, as precisely as it is stated, or a range of times."""
    low, high = _ends(name, value, _a_time)
    return _between(_earliest(low), high and _latest(high))


def day_of(match: Match, others: Iterable[Match]) -> Match | None:
    """The match of the date that a time is of: StudyDate's of StudyTime."""
    keyword = match.attribute.keyword
    date = f"{keyword.removesuffix('Time')}Date"
    return next((m for m in others if keyword.endswith("Time") and m.attribute.keyword == date), None)


def moments(dates: Match, times: Match) -> Node | None:
    """Both as one range, from a moment to another: where both are ranges with the same ends open; else None.

    What is compared are dates with times behind them. PS3.18 asks for what PS3.4 lets be negotiated:
    https://dicom.nema.org/medical/dicom/current/output/html/part04.html#sect_C.2.2.2.5.4
    """
    if not all("-" in match.values[0] for match in (dates, times)):
        return None
    (from_day, to_day), (from_time, to_time) = (
        _ends(m.attribute.keyword, m.values[0], parsed) for m, parsed in ((dates, _a_day), (times, _a_time))
    )
    if (bool(from_day), bool(to_day)) != (bool(from_time), bool(to_time)):
        return None
    return _between(from_day + _earliest(from_time), to_day and to_day + _latest(to_time))


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


def _between(low: str, high: str) -> Node:
    there = Leaf("from", low) if low else Leaf("beyond", "")
    return All((there, Leaf("until", high))) if high else there


def number(name: str, value: str) -> Node:
    """A whole number."""
    if not _NUMBER.fullmatch(value):
        raise DicomFault(400, f"{name} is a whole number")
    return Leaf("equal", int(value))


def item(name: str, value: str) -> Node:
    """A value within a sequence, as the index's DICOM JSON writes it: by its whole."""
    if _is_pattern(value):
        raise DicomFault(400, f"{name} is compared as a whole, without * and ?")
    tag = (path_of(name) or "").rpartition(".")[2]
    return Leaf("contains", f'"{tag}":{{"Value":[{orjson.dumps(value).decode()}')


def modalities(name: str, value: str) -> Node:
    """That the study has a series of such a modality."""
    return _pattern("modality", value.translate(WILD))


KINDS: Mapping[str, Callable[[str, str], Node]] = {
    "uid": uid,
    "code": text,
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
