"""Search values made of what is in the data, with all that can be off by a little."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.search.oracle_texts import shown, strings, tokens

PREFIXES = ("", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")
Question = tuple[str, str]


def questions(
    kind: str, param: str, values: Sequence[Any], bound: frozenset[str] | None
) -> Iterator[Question]:
    """(name, value) pairs to ask of a parameter, made of the values that its expression finds."""
    makers = {
        "token": lambda: _tokens(param, values, bound),
        "string": lambda: _strings(param, values),
        "uri": lambda: _uris(param, values),
        "date": lambda: _dates(param, values),
        "number": lambda: _numbers(param, values),
        "quantity": lambda: _quantities(param, values),
        "reference": lambda: _references(param, values),
    }
    if kind in makers:
        yield (f"{param}:missing", "true")
        yield (f"{param}:missing", "false")
        yield from dict.fromkeys(makers[kind]())


def spread(items: Sequence[Any], count: int) -> list[Any]:
    """Some of the distinct items, evenly taken, the first and the last among them."""
    distinct = sorted({repr(i): i for i in items}.items())
    step = max(1, (len(distinct) - 1) // max(1, count - 1))
    return [item for _, item in distinct[::step]][: count + 1]


def escaped(text: str) -> str:
    """The text with FHIR's separators taken literally."""
    for character in "\\,|$":
        text = text.replace(character, "\\" + character)
    return text


def _tokens(param: str, values: Sequence[Any], bound: frozenset[str] | None) -> Iterator[Question]:
    found = [(s, c) for v in values for s, c in tokens(v, bound) if c]
    for systems, code in spread(found, 6):
        text = escaped(code)
        yield param, text
        yield param, f"|{text}"
        yield param, f"http://nowhere.example|{text}"
        yield param, text.swapcase()
        yield param, text + " "
        yield f"{param}:not", text
        for system in systems:
            if system:
                yield param, f"{escaped(system)}|{text}"
                yield param, f"{escaped(system)}|"
                yield f"{param}:not", f"{escaped(system)}|{text}"
    codes = [escaped(c) for _, c in spread(found, 3)]
    yield f"{param}:not", ",".join(codes) or "none-of-these"
    yield param, ",".join([*codes, "none-of-these"])
    yield from _texts(param, values)
    if param == "identifier":
        yield from _of_type(param, values)


def _texts(param: str, values: Sequence[Any]) -> Iterator[Question]:
    for text in spread([s for v in values for s in shown(v)], 4):
        yield f"{param}:text", escaped(text[:4].strip()) or "x"
        yield f"{param}:text", escaped(text.swapcase())


def _of_type(param: str, values: Sequence[Any]) -> Iterator[Question]:
    typed = [
        v for v in values if isinstance(v, Mapping) and v.get("type", {}).get("coding") and v.get("value")
    ]
    for one in spread(typed, 3):
        coding = one["type"]["coding"][0]
        yield (
            f"{param}:of-type",
            "|".join(escaped(t) for t in (coding["system"], coding["code"], one["value"])),
        )
        yield f"{param}:of-type", "|".join(escaped(t) for t in (coding["system"], "XX", one["value"]))


def is_canonical(text: str) -> bool:
    """Whether a text is in one canonical form; what mixes both is found by neither on MySQL and MariaDB."""
    return any(unicodedata.is_normalized(form, text) for form in ("NFC", "NFD"))


def _strings(param: str, values: Sequence[Any]) -> Iterator[Question]:
    texts = [t for v in values for t in strings(v) if is_canonical(t)]
    for text in spread(texts, 8):
        for variant in (text, text[:2], text.upper(), text.lower(), unicodedata.normalize("NFD", text)):
            if variant.strip():
                yield param, escaped(variant)
                yield f"{param}:exact", escaped(variant)
        middle = text[1:4]
        if middle.strip():
            yield f"{param}:contains", escaped(middle)
            yield param, escaped(middle)
        if text[0].isascii() and text[0].isalpha():
            accented = unicodedata.normalize("NFC", text[0] + "\u0301" + text[1:3])
            if not unicodedata.combining(accented[1:2] or "x"):  # servers compare character by character
                yield param, escaped(accented)
    for odd in ("%", "_", "!", "\\\\", "'", '"', "a%", "김%"):
        yield param, odd


def _uris(param: str, values: Sequence[Any]) -> Iterator[Question]:
    for text in spread([str(v) for v in values], 4):
        yield param, escaped(text)
        yield param, escaped(text[:-1])
        yield param, escaped(text.upper())
        yield f"{param}:below", escaped(text[:10])
        yield f"{param}:above", escaped(text + "/more")


def _dates(param: str, values: Sequence[Any]) -> Iterator[Question]:
    written = [str(v) for v in values if not isinstance(v, Mapping)]
    written += [v[k] for v in values if isinstance(v, Mapping) for k in ("start", "end") if k in v]
    for text in spread([w for w in written if w[:4].isdigit()], 4):
        for variant in _around(text):
            for prefix in PREFIXES:
                yield param, prefix + variant


def _around(text: str) -> Iterator[str]:
    """The date at every precision, and the moments just beside it."""
    yield from (text[:4], text[:7], text[:10])
    if "T" in text:
        yield from (text[:16] + text[-6:], text[:19] + text[-6:])
        moment = datetime.fromisoformat(text)
        if 2 < moment.year < 9998:
            yield (moment + timedelta(seconds=1)).isoformat()
            yield (moment - timedelta(seconds=1)).astimezone(UTC).isoformat()
    elif 2 < int(text[:4]) < 9998 and len(text) == 10:
        yield (datetime.fromisoformat(text) + timedelta(days=1)).date().isoformat()
        yield text + "T00:00:00"
        yield text + "T12:00"


def _numbers(param: str, values: Sequence[Any]) -> Iterator[Question]:
    for number in spread([Decimal(str(v)) for v in values], 4):
        for variant in _digits(number):
            for prefix in PREFIXES:
                yield param, prefix + variant


def _digits(number: Decimal) -> Iterator[str]:
    """The number with its digits, one more, one less, and beside it."""
    yield f"{number:f}"
    yield f"{number:f}" + ("0" if "." in f"{number:f}" else ".0")
    yield f"{round(number):d}"
    yield f"{number + Decimal('0.1'):f}"


def _quantities(param: str, values: Sequence[Any]) -> Iterator[Question]:
    found = [v for v in values if isinstance(v, Mapping) and "value" in v]
    for one in spread(found, 5):
        for variant in _digits(Decimal(str(one["value"]))):
            for prefix in PREFIXES[:6]:
                yield param, prefix + variant
        number = f"{Decimal(str(one['value'])):f}"
        if "code" in one:
            yield param, f"{number}|{escaped(one['system'])}|{escaped(one['code'])}"
            yield param, f"gt{number}|{escaped(one['system'])}|{escaped(one['code'])}"
            yield param, f"{number}|http://nowhere.example|{escaped(one['code'])}"
            yield param, f"{number}||{escaped(one['code'])}"
        if "unit" in one:
            yield param, f"{number}||{escaped(one['unit'])}"


def _references(param: str, values: Sequence[Any]) -> Iterator[Question]:
    for text in spread([v["reference"] for v in values if "reference" in v], 4):
        kind, _, id_ = text.partition("/")
        yield param, text
        yield param, id_
        yield f"{param}:{kind}", id_
        yield f"{param}:{kind}", text
        yield f"{param}:Group", id_
        yield param, f"Group/{id_}"
        yield param, f"{text}/_history/1"
        yield param, f"http://elsewhere.example/fhir/{text}"
        yield param, f"{text},{kind}/nobody"
    yield param, "nobody-has-this-id"
