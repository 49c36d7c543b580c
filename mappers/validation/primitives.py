"""The lexical rules of R4's primitive types: https://hl7.org/fhir/R4/datatypes.html

The expressions are the standard's own but for base64Binary, whose expression takes exponential time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

LONGEST_STRING = 1024 * 1024
_LARGEST = 2**31 - 1

_YEAR = r"([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_DAY = r"-(0[1-9]|1[0-2])-(0[1-9]|[1-2][0-9]|3[0-1])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?"
_ZONE = r"(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_FORMS = {
    "code": r"[^\s]+(\s[^\s]+)*",
    "date": rf"{_YEAR}(-(0[1-9]|1[0-2])(-(0[1-9]|[1-2][0-9]|3[0-1]))?)?",
    "dateTime": rf"{_YEAR}(-(0[1-9]|1[0-2])|{_DAY}(T{_CLOCK}{_ZONE})?)?",
    "id": r"[A-Za-z0-9\-\.]{1,64}",
    "instant": rf"{_YEAR}{_DAY}T{_CLOCK}{_ZONE}",
    "oid": r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+",
    "time": _CLOCK,
    "uri": r"\S*",
    "uuid": r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
}
_COMPILED = {name: re.compile(form, re.ASCII) for name, form in _FORMS.items()} | {
    name: re.compile(_FORMS["uri"]) for name in ("uri", "url", "canonical")
}
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_BLANKS = re.compile(r"\s+")
_LEAST = {"integer": -(2**31), "unsignedInt": 0, "positiveInt": 1}
_CALENDAR = ("date", "dateTime", "instant")
_UNLIMITED = ("base64Binary", "xhtml")

_SHOULD = {
    "date": "a date is YYYY, YYYY-MM or YYYY-MM-DD",
    "dateTime": "a dateTime is a date, or one with THH:MM:SS and a zone (Z or +09:00)",
    "instant": "an instant is YYYY-MM-DDTHH:MM:SS with a zone (Z or +09:00)",
    "time": "a time is HH:MM:SS",
    "id": "an id is 1 to 64 letters, digits, '-' and '.'",
    "code": "a code has no blanks around it and single ones in it",
    "oid": "an oid is urn:oid: and numbers with dots",
    **dict.fromkeys(("uri", "url", "canonical"), "an address has no blanks"),
    "uuid": "a uuid is urn:uuid: and the lower-case UUID",
}


def fault(type_code: str, value: object) -> tuple[str, str] | None:
    """(issue type, words) of what is wrong with a primitive's JSON value; None where nothing is."""
    if type_code == "boolean":
        return None if isinstance(value, bool) else _wrong("true or false", value)
    if type_code == "decimal":
        return _number_fault(value)
    if type_code in _LEAST:
        return _integer_fault(type_code, value)
    return _text_fault(type_code, value) if isinstance(value, str) else _wrong("a string", value)


def json_type(value: object) -> str:
    """What JSON calls the value, with its article."""
    for kind, words in _JSON_TYPES:
        if isinstance(value, kind):
            return words
    return "null"


_JSON_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),
    (str, "a string"),
    ((int, float, Decimal), "a number"),
    (dict, "an object"),
    (list, "an array"),
)


def _wrong(expected: str, value: object) -> tuple[str, str]:
    return "structure", f"{expected} is expected here, not {json_type(value)}"


def _number_fault(value: object) -> tuple[str, str] | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return _wrong("a number", value)
    return None if Decimal(value).is_finite() else ("value", "this is no number of JSON")


def _integer_fault(type_code: str, value: object) -> tuple[str, str] | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return _wrong("a whole number", value)
    if not isinstance(value, int):
        return "value", f"a {type_code} is a whole number, without fraction or exponent"
    if not _LEAST[type_code] <= value <= _LARGEST:
        return "value", f"a {type_code} is from {_LEAST[type_code]} to {_LARGEST}"
    return None


def _text_fault(type_code: str, text: str) -> tuple[str, str] | None:
    if not text:
        return "value", "a string is never empty; an element without a value is left out"
    if len(text) > LONGEST_STRING and type_code not in _UNLIMITED:
        return "too-long", "a string is 1 MB long at most"
    if _FORBIDDEN.search(text):
        return "value", "control characters, and halves of characters, are not allowed"
    return _form_fault(type_code, text)


def _form_fault(type_code: str, text: str) -> tuple[str, str] | None:
    form = _COMPILED.get(type_code)
    if form is not None and form.fullmatch(text) is None:
        return "value", f"this is no {type_code}" + (
            f": {_SHOULD[type_code]}" if type_code in _SHOULD else ""
        )
    special = _SPECIAL.get(type_code)
    return special(text) if special else None


def _calendar_fault(text: str) -> tuple[str, str] | None:
    try:
        date(int(text[:4]), int(text[5:7] or 1), int(text[8:10] or 1))
    except ValueError:
        return "value", "no calendar has this day"
    return None


def _base64_fault(text: str) -> tuple[str, str] | None:
    packed = _BLANKS.sub("", text)
    if len(packed) % 4 or _BASE64.fullmatch(packed) is None:
        return "value", "this is no base64"
    return None


def _uri_fault(text: str) -> tuple[str, str] | None:
    lower = text[:9].lower()
    for kind in ("oid", "uuid"):
        if lower.startswith(f"urn:{kind}:") and _COMPILED[kind].fullmatch(text) is None:
            return "value", f"this is no {kind}: {_SHOULD[kind]}"
    return None


def is_absolute(text: str) -> bool:
    """Whether an address has a scheme."""
    return _ABSOLUTE.match(text) is not None


def _canonical_fault(text: str) -> tuple[str, str] | None:
    if not text.startswith("#") and not is_absolute(text):
        return "value", "a canonical is an absolute address, or # and the id of something contained"
    return _uri_fault(text)


_SPECIAL: dict[str, Callable[[str], tuple[str, str] | None]] = {
    **dict.fromkeys(_CALENDAR, _calendar_fault),
    **dict.fromkeys(("uri", "url", "canonical"), _uri_fault),
    "canonical": _canonical_fault,
    "base64Binary": _base64_fault,
}
