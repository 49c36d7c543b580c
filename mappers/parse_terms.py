"""Raw search values become terms: the only place that reads them. https://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from mappers.clock import skipped
from mappers.terms import Amount, Mode, OfType, Prefix, Range, Text, Token, Uri


class ValueFault(ValueError):
    """A value that its parameter's type can't have; the text says what would do, and never the value."""


def split(value: str, separator: str) -> list[str]:
    """The pieces between unescaped separators, still escaped."""
    if "\\" not in value:
        return value.split(separator)
    pieces, escaped = [""], False
    for character in value:
        if character == separator and not escaped:
            pieces.append("")
            continue
        pieces[-1] += character
        escaped = character == "\\" and not escaped
    return pieces


def unescape(value: str) -> str:
    r"""`\,` `\|` `\$` `\\` are the characters themselves."""
    return re.sub(r"\\([,|$\\])", r"\1", value) if "\\" in value else value


def text_term(value: str, modifier: str) -> Text:
    """A string in both canonical forms; `modifier`: '', 'exact', 'contains' (or 'text' of a token)."""
    plain = unescape(value)
    mode = {"exact": Mode.EXACT, "contains": Mode.CONTAINS}.get(modifier, Mode.STARTS)
    nfc, nfd = unicodedata.normalize("NFC", plain), unicodedata.normalize("NFD", plain)
    return Text(nfc, nfd, mode, folded=modifier == "text")


def token_term(value: str, folds: frozenset[str] | None = None) -> Token:
    """`code`, `system|code`, `|code` or `system|`; a code that nothing folds is bound."""
    pieces = [unicodedata.normalize("NFC", unescape(p)) for p in split(value, "|")]
    if len(pieces) > 2 or not any(pieces):
        raise ValueFault("expected code, system|code, |code or system|")
    system, code = (None, pieces[0]) if len(pieces) == 1 else (pieces[0], pieces[1] or None)
    return Token(system, code, bound=folds is not None and code not in folds)


def of_type_term(value: str) -> OfType:
    """`system|code|value` of `identifier:of-type`."""
    pieces = [unescape(p) for p in split(value, "|")]
    if len(pieces) != 3 or not all(pieces):
        raise ValueFault("expected system|code|value")
    return OfType(*pieces)


def uri_term(value: str, modifier: str) -> Uri:
    """A uri, as it is."""
    return Uri(unescape(value), modifier)


_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[\d+-])", re.ASCII)


def _prefix(value: str) -> tuple[Prefix, str]:
    found = _PREFIX.match(value)
    return (Prefix(found[1]), value[2:]) if found else (Prefix.EQ, value)


_NUMBER = re.compile(r"([+-]?\d+(?:\.(\d+))?)(?:[eE]([+-]?\d{1,3}))?", re.ASCII)


def _amount(text: str) -> tuple[Decimal, Decimal]:
    """(value, half of its last digit): 5.40 stands for [5.395, 5.405)."""
    found = _NUMBER.fullmatch(text)
    if not found or len(text) > 60:
        raise ValueFault(
            "expected a number such as 5.4, with an optional prefix (eq ne gt lt ge le sa eb ap)"
        )
    decimals, exponent = len(found[2] or ""), int(found[3] or 0)
    # the standard's own example: 1e2 stands for [95, 105)
    half = Decimal(5).scaleb(exponent - decimals - (2 if found[3] else 1))
    return Decimal(text), half


def number_term(value: str) -> Amount:
    """A number with an optional prefix. https://hl7.org/fhir/R4/search.html#number"""
    prefix, text = _prefix(value)
    number, half = _amount(text)
    if prefix is Prefix.AP:
        half = abs(number) / 10
    return Amount(prefix, number, number - half, number + half)


def quantity_term(value: str) -> Amount:
    """`number`, `number|system|code` or `number||code`. https://hl7.org/fhir/R4/search.html#quantity"""
    pieces = split(value, "|")
    if len(pieces) not in (1, 3):
        raise ValueFault("expected number, number|system|code or number||code")
    bare = number_term(pieces[0])
    if len(pieces) == 1:
        return bare
    system, code = unescape(pieces[1]), unescape(pieces[2])
    if not code:
        raise ValueFault("expected a unit's code behind number|system|")
    return Amount(bare.prefix, bare.value, bare.low, bare.high, system or None, code)


_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_EXPECTED_DATE = (
    "expected YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm[:ss][Z|±hh:mm] (a + must be sent as %2B)"
)


def date_term(value: str, zone: tzinfo, now: datetime) -> Range:
    """A date of any precision with an optional prefix; without an offset it is in the site's zone.

    https://hl7.org/fhir/R4/search.html#date
    """
    prefix, text = _prefix(value)
    found = _DATE.fullmatch(text)
    if not found:
        raise ValueFault(_EXPECTED_DATE)
    try:
        low, high = _stretch(found, zone)
    except (ValueError, OverflowError):
        raise ValueFault("there is no such date") from None
    if prefix is Prefix.AP:
        low, high = _widened(low, high, now)
    return Range(prefix, low, high, any(skipped(end, zone) for end in (low, high)))


def _stretch(found: re.Match[str], zone: tzinfo) -> tuple[datetime, datetime]:
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    tz = (
        zone
        if offset is None
        else datetime.fromisoformat(f"2000-01-01T00:00{offset.replace('Z', '+00:00')}").tzinfo
    )
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    low = datetime(
        int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), micro
    )
    if hour is not None:
        width = (
            timedelta(microseconds=10 ** max(6 - len(fraction), 0))
            if fraction
            else timedelta(seconds=1)
            if second
            else timedelta(minutes=1)
        )
        return low.replace(tzinfo=tz), _plus(low, width).replace(tzinfo=tz)
    high = _plus(low, timedelta(days=1)) if day else _next_month(low) if month else _next_year(low)
    return low.replace(tzinfo=tz), high.replace(tzinfo=tz)


def _plus(moment: datetime, width: timedelta) -> datetime:
    try:
        return moment + width
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)


def _next_month(low: datetime) -> datetime:
    return low.replace(month=low.month + 1) if low.month < 12 else _next_year(low.replace(month=1))


def _next_year(low: datetime) -> datetime:
    return low.replace(year=low.year + 1) if low.year < 9999 else datetime.max


def _widened(low: datetime, high: datetime, now: datetime) -> tuple[datetime, datetime]:
    """`ap`: by a tenth of the distance to now, as far as time goes."""
    margin = abs(now - low) / 10
    return _earlier(low, margin), _plus(high, margin)


def _earlier(moment: datetime, width: timedelta) -> datetime:
    try:
        return moment - width
    except OverflowError:
        return datetime.min.replace(tzinfo=moment.tzinfo)
