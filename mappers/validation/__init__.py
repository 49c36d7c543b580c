"""Validation of what comes in, by R4's own definitions (4.0.1), for every resource type of R4.

It needs no database: whether a reference's target exists is asked by who has one (`references`).
"""

from __future__ import annotations

from typing import Any

from mappers.validation.issues import Issue
from mappers.validation.references import FoundReference, references
from mappers.validation.rules import Rules
from mappers.validation.walk import Walk

__all__ = ["FoundReference", "Issue", "references", "validate"]

DEEPEST = 100


def validate(resource: Any, resource_type: str | None = None) -> list[Issue]:
    """All that is wrong with a resource as JSON told it; nothing, for a valid one. Never raises.

    `resource_type` is the type it must have. Numbers with a fraction may be Decimal or float.
    """
    if not isinstance(resource, dict):
        return [Issue("fatal", "structure", resource_type or "Resource", "a resource is a JSON object")]
    name = resource.get("resourceType")
    expression = name if isinstance(name, str) and name else resource_type or "Resource"
    if _too_deep(resource):
        return [Issue("fatal", "too-costly", expression, f"nested more than {DEEPEST} deep")]
    walk = Walk(Rules())
    if resource_type is not None and name is not None and name != resource_type:
        walk.add(
            "invalid", f"{expression}.resourceType", f"this should be a resource of type {resource_type}"
        )
    walk.resource(resource, expression)
    return walk.issues


def _too_deep(resource: dict[str, Any]) -> bool:
    level: list[Any] = [resource]
    for _ in range(DEEPEST):
        level = [one for found in level for one in _inside(found)]
        if not level:
            return False
    return True


def _inside(found: Any) -> list[Any]:
    values = found.values() if isinstance(found, dict) else found
    return [one for one in values if isinstance(one, dict | list)]
