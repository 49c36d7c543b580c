"""FHIR XML: what the JSON says, in the order of the standard. https://hl7.org/fhir/R4/xml.html

Written from the definitions: the library goes by way of floats, which makes 5.4 of 5.40 and loses digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import zip_longest
from typing import Any, NamedTuple

from terminology import definitions

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_ESCAPED = re.compile('[&<>"\t\n\r]')
# what no XML document may hold, not even escaped: https://www.w3.org/TR/xml/#charsets
_IMPOSSIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: a line of the document, and how deep it stands
Lines = Iterator[tuple[int, str]]


class Member(NamedTuple):
    """What may stand in an element: its JSON name, and its type (or the path where its elements are).

    `stem` is its name in an expression (`value` of `valueQuantity`); `many`: JSON holds it as an array.
    """

    name: str
    type: str
    primitive: bool
    stem: str
    many: bool


def to_xml(resource: Mapping[str, Any], pretty: bool = False) -> bytes:
    """The resource as FHIR XML; raises LookupError for an element that the standard doesn't have."""
    lines = _resource(resource, 0, ' xmlns="http://hl7.org/fhir"')
    parts = [f"\n{'  ' * depth}{text}" if pretty else text for depth, text in lines]
    return (HEAD + "".join(parts)).encode()


def _resource(resource: Mapping[str, Any], depth: int, attributes: str = "") -> Lines:
    name = resource["resourceType"]
    yield depth, f"<{name}{attributes}>"
    yield from _elements(resource, name, depth + 1)
    yield depth, f"</{name}>"


def _elements(value: Mapping[str, Any], container: str, depth: int) -> Lines:
    """Everything in an element that is an element, in the order of its definition."""
    known = members(container)
    if unknown := {n.removeprefix("_") for n in value} - known.keys() - {"resourceType"}:
        raise LookupError(f"{container} has no {', '.join(sorted(unknown))}")
    for name, member in known.items():
        if name in value or f"_{name}" in value:
            for item, beside in zip_longest(_items(value.get(name)), _items(value.get(f"_{name}"))):
                yield from _element(member, item, beside, depth)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _element(member: Member, value: Any, beside: Any, depth: int) -> Lines:
    if member.type == "xhtml":
        yield depth, value
    elif member.type == "Resource":
        yield depth, f"<{member.name}>"
        yield from _resource(value, depth + 1)
        yield depth, f"</{member.name}>"
    elif member.primitive:
        stated = "" if value is None else f' value="{_text(value)}"'
        yield from _tagged(member.name, stated, beside or {}, "Element", depth)
    else:
        yield from _tagged(member.name, "", value, member.type, depth)


def _tagged(name: str, stated: str, value: Mapping[str, Any], container: str, depth: int) -> Lines:
    """An element with its attributes: `id`, an extension's `url`, a primitive's `value`."""
    attributes = {n: value[n] for n in attributes_of(container) if n in value}
    start = name + "".join(f' {n}="{_text(v)}"' for n, v in attributes.items()) + stated
    inside = {n: v for n, v in value.items() if n not in attributes}
    if not inside:
        yield depth, f"<{start}/>"
        return
    yield depth, f"<{start}>"
    yield from _elements(inside, container, depth + 1)
    yield depth, f"</{name}>"


def attributes_of(container: str) -> tuple[str, ...]:
    """The names of what is an attribute in XML."""
    return ("id", "url") if container == "Extension" else ("id",)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], _IMPOSSIBLE.sub("\ufffd", str(value)))


@cache
def members(container: str) -> Mapping[str, Member]:
    """What may stand in an element, by JSON name, in order."""
    inside = definitions.elements(container.partition(".")[0])
    found = [one for path, one in inside.items() if path.rpartition(".")[0] == container]
    return {
        name: Member(name, *_type(one, code), one.name.removesuffix("[x]"), one.is_list)
        for one in found
        for name, code in one.choices() or ((one.name, ""),)
    }


def _type(one: definitions.ElementDefinition, code: str) -> tuple[str, bool]:
    """The type or path in which an element's elements are defined, and whether it is a primitive."""
    if one.content_reference:
        return one.content_reference, False
    if code in ("BackboneElement", "Element"):
        return one.path, False
    return code, code[:1].islower() and code != "xhtml"
