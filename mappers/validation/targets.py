"""What a Reference may point to: https://hl7.org/fhir/R4/references.html

Whether the target exists is the caller's question, who has the database; what is contained is seen here.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from mappers.validation.issues import quoted
from terminology import definitions

_RESTFUL = re.compile(
    r"(?:(?:https?)://[^\s?#]+?/)?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?(?:#\S*)?"
)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?\S")
_ANY = "Resource"


@cache
def known_types() -> frozenset[str]:
    """The resource types of R4."""
    return frozenset(definitions.resource_types())


def type_of(reference: str) -> str | None:
    """The resource type that a literal reference names; None for a urn, a fragment, or another address."""
    found = _RESTFUL.fullmatch(reference)
    return found[1] if found and found[1] in known_types() else None


def contained_types(root: dict[str, Any]) -> dict[str, str]:
    """Id → type of the resources that a resource contains."""
    contained = root.get("contained")
    inside = contained if isinstance(contained, list) else ()
    return {
        one["id"]: one.get("resourceType", "")
        for one in inside
        if isinstance(one, dict) and isinstance(one.get("id"), str)
    }


def fault(
    reference: dict[str, Any], targets: tuple[str, ...], contained: dict[str, str], conditional: bool = False
) -> tuple[str, str, str] | None:
    """(issue type, the element at fault, words) of what is wrong with a Reference; None where nothing is."""
    literal, stated = reference.get("reference"), reference.get("type")
    named = None
    if isinstance(literal, str):
        asked = _CONDITIONAL.match(literal) if conditional else None
        words = None if asked else _form_fault(literal, contained)
        if words:
            return "value", ".reference", words
        inside = contained.get(literal[1:]) if literal.startswith("#") else None
        named = asked[1] if asked else inside or type_of(literal)
    return _type_fault(named, stated if isinstance(stated, str) else None, targets)


def _form_fault(literal: str, contained: dict[str, str]) -> str | None:
    if literal.startswith("#"):
        lacks = len(literal) > 1 and literal[1:] not in contained
        return f"{quoted(literal)} is not among the contained resources" if lacks else None
    if type_of(literal) or _ABSOLUTE.fullmatch(literal):
        return None
    return f"{quoted(literal)} is neither Type/id of a type of R4 nor an absolute address"


def _type_fault(
    named: str | None, stated: str | None, targets: tuple[str, ...]
) -> tuple[str, str, str] | None:
    if named and stated in known_types() and named != stated:
        return "invalid", ".type", f"the reference is to {named}, but its type says {stated}"
    told = named or (stated if stated in known_types() else None)
    if told is None or not targets or _ANY in targets or told in targets:
        return None
    return "invalid", ".reference" if named else ".type", f"{told} is not allowed here: {', '.join(targets)}"
