"""What data types promise in words that no cardinality, binding or invariant holds."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from mappers.validation import codes, targets
from mappers.validation.issues import Issue, quoted
from mappers.validation.primitives import is_absolute
from mappers.validation.shapes import Child
from terminology import definitions


class Place(NamedTuple):
    """Where an element stands: its definition, its FHIRPath, and what it may refer to there.

    `conditional` says that a reference may be a search, as in a transaction.
    """

    child: Child
    expression: str
    contained: dict[str, str]
    conditional: bool


Json = dict[str, Any]


def issues_of(value: Json, place: Place) -> Iterator[Issue]:
    """What is wrong with an element by the meaning of its type."""
    meaning = _MEANINGS.get(place.child.type_code) or _MEANINGS.get(place.child.path)
    return meaning(value, place) if meaning else iter(())


def _reference(value: Json, place: Place) -> Iterator[Issue]:
    found = targets.fault(value, place.child.targets, place.contained, place.conditional)
    if found:
        yield Issue("error", found[0], place.expression + found[1], found[2])


def _coding(value: Json, place: Place) -> Iterator[Issue]:
    yield from codes.of_its_system(value, place.expression)
    words = codes.coding_fault(place.child.binding, value) if place.child.binding else None
    if words:
        yield Issue("error", "code-invalid", place.expression, words)


def _concept(value: Json, place: Place) -> Iterator[Issue]:
    words = codes.concept_fault(place.child.binding, value) if place.child.binding else None
    if words:
        yield Issue("error", "code-invalid", place.expression, words)


def _quantity(value: Json, place: Place) -> Iterator[Issue]:
    return codes.of_its_system({name: value.get(name) for name in ("system", "code")}, place.expression)


def _identifier(value: Json, place: Place) -> Iterator[Issue]:
    """https://hl7.org/fhir/R4/datatypes.html#Identifier"""
    yield from _absolute(value.get("system"), f"{place.expression}.system", "an identifier's system")
    if value.get("system") == "urn:ietf:rfc:3986":
        yield from _absolute(value.get("value"), f"{place.expression}.value", "with this system a value")


def _extension(value: Json, place: Place) -> Iterator[Issue]:
    """https://hl7.org/fhir/R4/extensibility.html: names without an address only within another extension."""
    url = value.get("url")
    if place.child.path != "Extension.extension":
        yield from _absolute(url, f"{place.expression}.url", "an extension's url")
    types = definitions.extension_types(url) if isinstance(url, str) else None
    held = next((name for name in value if name.startswith("value")), None)
    if types is not None and held and held not in {f"value{one[0].upper()}{one[1:]}" for one in types}:
        words = f"its value is {' or '.join(types)}" if types else "it has extensions, and no value"
        yield Issue("error", "structure", place.expression, f"by the definition of {quoted(url)} {words}")


def _absolute(value: Any, expression: str, words: str) -> Iterator[Issue]:
    if isinstance(value, str) and not is_absolute(value):
        yield Issue("error", "value", expression, f"{words} is an absolute address, not {quoted(value)}")


def _attachment(value: Json, place: Place) -> Iterator[Issue]:
    """https://hl7.org/fhir/R4/datatypes.html#Attachment"""
    data = value.get("data")
    if not isinstance(data, str) or not value.keys() & {"size", "hash"}:
        return
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return  # said where the data is
    if isinstance(value.get("size"), int) and value["size"] != len(content):
        yield Issue("error", "value", f"{place.expression}.size", f"the data has {len(content)} bytes")
    digest = hashlib.sha1(content, usedforsecurity=False).digest()
    if isinstance(value.get("hash"), str) and value["hash"] != base64.b64encode(digest).decode():
        yield Issue("error", "value", f"{place.expression}.hash", "this is not the SHA-1 of the data")


def _entry(value: Json, place: Place) -> Iterator[Issue]:
    """https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.fullUrl: it agrees with the id."""
    url, resource = value.get("fullUrl"), value.get("resource")
    if not isinstance(url, str) or not isinstance(resource, dict) or not url.startswith(("http:", "https:")):
        return
    own = f"/{resource.get('resourceType')}/{resource.get('id')}"
    if isinstance(resource.get("id"), str) and not url.endswith(own):
        words = f"the resource here is {quoted(own.removeprefix('/'))}"
        yield Issue("error", "invalid", f"{place.expression}.fullUrl", words)


_MEANINGS: dict[str, Callable[[Json, Place], Iterator[Issue]]] = {
    "Reference": _reference,
    "Coding": _coding,
    "CodeableConcept": _concept,
    "Identifier": _identifier,
    "Extension": _extension,
    "Attachment": _attachment,
    "Bundle.entry": _entry,
    **dict.fromkeys(("Quantity", "Age", "Count", "Distance", "Duration"), _quantity),
}
