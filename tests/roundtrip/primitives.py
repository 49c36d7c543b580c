"""Values of each primitive type of R4, the odd ones that are legal among them.

https://hl7.org/fhir/R4/datatypes.html#primitive
"""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

from hypothesis import strategies as st

from fhir_facade.incoming_json import number

Strategy = st.SearchStrategy[Any]

ODD_TEXTS = (
    "김영희",
    "\u1100\u1161\u11a8",  # 각, by its parts
    "Zoë Ångström",
    "e\u0301",
    "👩🏽‍⚕️ 의사",
    "مرحبا",
    "\u202eright to left",
    "a\u200bb",
    "\u00a0 blanks around \u3000",
    " ",
    "line\nline\r\n\tline",
    "\u0085\u2028\u2029",
    "\x7f\x9f",
    "'; DROP TABLE x; --",
    '"quoted" \\ back',
    "%_!",
    "<b>&amp;</b>",
    "null",
    "0",
    "5.40",
    "<0.5",
    "2025-02-30",
    "¹²³",
    "꙰﷽",
    "{}",
    "drug",
    "final",
    "GLU",
    "P-2025-000001",
)
LONG_TEXTS = ("x" * 33, "가" * 65, "𝒳" * 256, "길다 " * 400, "w" * 70_000)
DECIMALS = (
    *("5.40", "0", "0.0", "-0.0", "1.10", "37", "0.5", "120", "-3.25", "100.00", "2.50", "1234.5678901"),
    *("1e2", "1E+2", "1.0e-3", "0.0000001", "0.00000000000000000012", "-0", "1E-7", "999999999999.999999"),
    *("9223372036854775807", "9223372036854775808", "18446744073709551616", "123456789012345678901234567890"),
    *("123456789012345.123456789", "1e30", "1.7976931348623157e308"),
)
DATES = (
    *(
        "2025-03-01",
        "2024-02-29",
        "1990",
        "2024-12",
        "1900-01-01",
        "1582-10-10",
        "0001-01-01",
        "0001",
        "9999",
    ),
    *("9999-12-31", "1999-12-31", "1988-05-08", "0999-12-31", "1961-08-10"),
)
CLOCKS = (
    *("00:00:00", "09:30:00", "23:59:59", "23:59:60", "12:00:00.5", "12:00:00.120", "00:00:00.000"),
    *("08:00:00.123456", "08:00:00.123456789", "02:30:00"),
)
ZONES = ("Z", "+09:00", "-05:00", "+05:45", "+14:00", "-12:00", "-00:00", "+00:00", "+08:30")
URIS = (
    *("http://example.org/a?b=c&d=e%20f", "urn:x:한글", "urn:oid:1.2.840.10008", "https://example.org/#frag"),
    *(
        "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
        "mailto:a@example.org",
        "http://example.org/" + "p" * 300,
    ),
)
CANONICALS = (
    "http://example.org/fhir/A",
    "http://example.org/fhir/B|1.0",
    "urn:example:c",
    "https://example.org/d#e",
)
CODES = ("a", "A-1", "two words", "한글", "x.y_z", "9")
NARRATIVES = tuple(
    f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'
    for text in (
        "말",
        "<p>one &amp; <b>two</b></p>",
        "<table><tr><td>a</td></tr></table>",
        "<ul><li>&#233;</li></ul> ",
    )
)
_LARGEST = 2**31 - 1


@cache
def primitive(type_code: str) -> Strategy:
    """Values of a primitive type, as JSON holds them."""
    found: Strategy = _KINDS[type_code]()
    return found


def texts() -> Strategy:
    """Strings: plain, odd, any, and now and then longer than a column."""
    letters = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
    some = st.text(letters, min_size=1, max_size=12)
    plain = st.sampled_from(("한 줄", "text", "Seoul"))
    return st.one_of(plain, some, st.sampled_from(ODD_TEXTS), st.sampled_from(LONG_TEXTS[:3]), plain)


def long_texts() -> Strategy:
    """Markdown and other texts that may go on."""
    return st.one_of(texts(), st.sampled_from(LONG_TEXTS))


def moments() -> Strategy:
    """Full moments: a day, a clock and a zone."""
    days = st.sampled_from(tuple(d for d in DATES if len(d) == 10))
    return st.builds("{}T{}{}".format, days, st.sampled_from(CLOCKS), st.sampled_from(ZONES))


def _one(*values: Any) -> Any:
    return lambda: st.sampled_from(values)


def _whole(least: int) -> Any:
    return lambda: st.one_of(
        st.integers(max(least, -9), 99), st.sampled_from((max(least, -(2**31)), _LARGEST))
    )


def _base64() -> Strategy:
    packed = st.binary(min_size=1, max_size=40).map(lambda b: base64.b64encode(b).decode())
    return st.one_of(packed, st.sampled_from(("AA ==", "QUJD\nREVG")))


_KINDS = {
    "boolean": _one(True, False),
    "integer": _whole(-(2**31)),
    "unsignedInt": _whole(0),
    "positiveInt": _whole(1),
    "decimal": lambda: st.sampled_from(DECIMALS).map(lambda text: number(text) if text != "0" else 0),
    "string": texts,
    "markdown": long_texts,
    "code": _one(*CODES),
    "id": _one("a", "A-1.b", "0", "x" * 64),
    "uri": _one(*URIS, "relative/path", "x"),
    "url": _one(*URIS),
    "canonical": _one(*CANONICALS),
    "oid": _one("urn:oid:1.2.3", "urn:oid:2.16.840.1.113883"),
    "uuid": _one("urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
    "date": _one(*DATES),
    "dateTime": lambda: st.one_of(st.sampled_from(DATES), moments()),
    "instant": moments,
    "time": _one(*CLOCKS),
    "base64Binary": _base64,
    "xhtml": _one(*NARRATIVES),
}
