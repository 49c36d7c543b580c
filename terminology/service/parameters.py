"""Parameters as operations answer them. https://hl7.org/fhir/R4/parameters.html"""

from __future__ import annotations

from typing import Any

Resource = dict[str, Any]
_TYPES = {bool: "valueBoolean", int: "valueInteger", str: "valueString"}


def parameters(*told: Resource | None) -> Resource:
    """Parameters of what there is to tell."""
    return {"resourceType": "Parameters", "parameter": [one for one in told if one is not None]}


def said(name: str, value: Any, kind: str = "") -> Resource | None:
    """One parameter, its type by the value's own unless stated; None for a value that isn't there."""
    if value is None or value == "":
        return None
    return {"name": name, kind or _TYPES[type(value)]: value}


def parted(name: str, *parts: Resource | None) -> Resource:
    """A parameter of parts."""
    return {"name": name, "part": [one for one in parts if one is not None]}
