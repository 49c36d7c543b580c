"""The resident number among what clients write: it is the CDSS's column alone that ever holds it.

What is kept beside rows, in versions and in the index is read by more people than may see the number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mappers.plain_text import clean
from mappers.stored.content import Resource
from terminology.systems import RESIDENT_REGISTRATION_ID

#: characters that its column holds
LONGEST = 32


def is_resident_number(item: Any) -> bool:
    """Whether something is an identifier of that kind."""
    return isinstance(item, dict) and item.get("system") == RESIDENT_REGISTRATION_ID


def without_resident_number(resource: Resource) -> Resource:
    """The resource without it among its identifiers."""
    identifiers = resource.get("identifier")
    if not isinstance(identifiers, list) or not any(map(is_resident_number, identifiers)):
        return resource
    left = [i for i in identifiers if not is_resident_number(i)]
    rest = {k: v for k, v in resource.items() if k != "identifier"}
    return {**rest, "identifier": left} if left else rest


def held_whole(resource: Resource) -> bool:
    """Whether the column holds all that is said of it: one number, with system and value alone."""
    found = [i for i in resource.get("identifier") or [] if is_resident_number(i)]
    return len(found) < 2 and all(
        set(i) == {"system", "value"} and len(i["value"]) <= LONGEST and clean(i["value"]) == i["value"]
        for i in found
    )


def resident_numbers(value: Any, path: str) -> Iterator[str]:
    """Where there is one, as FHIRPaths."""
    if is_resident_number(value) and ("value" in value or "_value" in value):
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from resident_numbers(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from resident_numbers(inner, f"{path}[{number}]")
