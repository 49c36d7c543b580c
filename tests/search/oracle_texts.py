"""Strings, tokens, uris and references, as R4 compares them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Test = Callable[[Any], bool]


def split(value: str, separator: str) -> list[str]:
    """The pieces between separators that no backslash stands before, still escaped."""
    pieces, rest = [""], iter(value)
    for character in rest:
        if character == "\\":
            pieces[-1] += character + next(rest, "")
        elif character == separator:
            pieces.append("")
        else:
            pieces[-1] += character
    return pieces


def unescape(value: str) -> str:
    """The characters themselves."""
    return re.sub(r"\\([,|$\\])", r"\1", value)


def folded(text: str) -> str:
    """Without case and accents, in one canonical form."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not _is_accent(c))
    return unicodedata.normalize("NFC", plain.casefold())


def _is_accent(character: str) -> bool:
    return 0x300 <= ord(character) < 0x370


# strings

_PARTS = (
    "text",
    "family",
    "given",
    "prefix",
    "suffix",
    "line",
    "city",
    "district",
    "state",
    "postalCode",
    "country",
)


def strings(value: Any) -> Iterator[str]:
    """Every string that a string search of a value looks at."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, Mapping):
        for part in _PARTS:
            yield from strings(value.get(part, []))


def string_test(modifier: str, value: str) -> Test:
    """Starts with it, whatever case and accents; `:contains`; `:exact` as it is."""
    wanted = unescape(value)
    if modifier == "exact":
        forms = (unicodedata.normalize("NFC", wanted), unicodedata.normalize("NFD", wanted))
        return lambda found: any(s in forms for s in strings(found))
    plain = folded(wanted)
    if modifier == "contains":
        return lambda found: any(plain in folded(s) for s in strings(found))
    return lambda found: any(folded(s).startswith(plain) for s in strings(found))


# tokens


def tokens(value: Any, bound: frozenset[str] | None) -> Iterator[tuple[frozenset[str | None], str | None]]:
    """(systems, code) of everything in a value that a token can name."""
    if isinstance(value, bool):
        yield frozenset({None}), "true" if value else "false"
    elif isinstance(value, str):
        yield frozenset({None, *(bound or ())}), value
    elif isinstance(value, Mapping):
        yield from _structured(value, bound)


def _structured(
    value: Mapping[str, Any], bound: frozenset[str] | None
) -> Iterator[tuple[frozenset[str | None], str | None]]:
    if "coding" in value:
        for coding in value["coding"]:
            yield frozenset({coding.get("system")}), coding.get("code")
    elif "code" in value and "value" not in value:
        yield frozenset({value.get("system")}), value["code"]
    elif "value" in value and _is_contact(value):
        yield frozenset({None, value["system"], value.get("use")}), value["value"]
    elif "value" in value:
        yield frozenset({value.get("system")}), value["value"]


def _is_contact(value: Mapping[str, Any]) -> bool:
    return value.get("system") in ("phone", "fax", "email", "pager", "url", "sms", "other")


def shown(value: Any) -> Iterator[str]:
    """What a person reads of a token."""
    if isinstance(value, Mapping):
        yield from (value[k] for k in ("text", "display") if k in value)
        for coding in value.get("coding", []):
            yield from shown(coding)
        if "type" in value and isinstance(value["type"], Mapping):
            yield from (value["type"][k] for k in ("text",) if k in value["type"])


def token_test(modifier: str, value: str, bound: frozenset[str] | None) -> Test:
    """`code`, `system|code`, `|code`, `system|`; `:text`; `:of-type`."""
    if modifier == "text":
        plain = folded(unescape(value))
        return lambda found: any(folded(s).startswith(plain) for s in shown(found))
    pieces = [unescape(p) for p in split(value, "|")]
    if modifier == "of-type":
        return lambda found: _is_of_type(found, *pieces)
    if len(pieces) == 1:
        return lambda found: any(code == pieces[0] for _, code in tokens(found, bound))
    system, code = pieces[0] or None, pieces[1]
    return lambda found: any(system in s and code in ("", c) and c for s, c in tokens(found, bound))


def _is_of_type(identifier: Any, system: str, code: str, value: str) -> bool:
    codings = identifier.get("type", {}).get("coding", [])
    typed = any((c.get("system"), c.get("code")) == (system, code) for c in codings)
    return typed and identifier.get("value") == value


def uri_test(modifier: str, value: str) -> Test:
    """The same; `:below` starts with it; `:above` is a start of it."""
    wanted = unescape(value)
    if modifier == "below":
        return lambda found: str(found).startswith(wanted)
    if modifier == "above":
        return lambda found: wanted.startswith(str(found))
    return lambda found: found == wanted


# references


def reference_test(modifier: str, value: str, base: str) -> Test:
    """`id`, `Type/id`, an absolute url; `:Type`."""
    wanted = unescape(value).removeprefix(base + "/").partition("/_history/")[0]
    if "/" in wanted:
        right = modifier in ("", wanted.partition("/")[0])
        return lambda found: right and _reference(found) == wanted
    if modifier:
        return lambda found: _reference(found) == f"{modifier}/{wanted}"
    return lambda found: _reference(found).partition("/")[2] == wanted


def _reference(value: Any) -> str:
    return str(value.get("reference", "")) if isinstance(value, Mapping) else str(value)
