"""Where something stands in a resource, as `issue.expression` names it. https://hl7.org/fhirpath/"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fhir_facade.xml import Member, members
from terminology import definitions


def expression(resource: Any, steps: Sequence[str | int]) -> str:
    """The FHIRPath to what the JSON's names and indexes lead to: `Patient.deceased.ofType(boolean)`.

    What the standard doesn't know stands there as it is named in the JSON.
    """
    text, container, value = _root(resource), _root(resource), resource
    for step in steps:
        value = _inside(value, step)
        if isinstance(step, int):
            text += f"[{step}]"
            container = _typed(value) or container
        else:
            member = members(container).get(step.removeprefix("_")) if container else None
            text += f".{_named(member, step)}"
            container = _typed(value) or (_container(member) if member else "")
    return text


def _root(resource: Any) -> str:
    return _typed(resource) or "Resource"


def _typed(value: Any) -> str:
    """The type that a resource within a resource states."""
    stated = value.get("resourceType") if isinstance(value, dict) else None
    return stated if isinstance(stated, str) and stated in definitions.resource_types() else ""


def _inside(value: Any, step: str | int) -> Any:
    if isinstance(step, int):
        return value[step] if isinstance(value, list) and step < len(value) else None
    return value.get(step) if isinstance(value, dict) else None


def _named(member: Member | None, step: str) -> str:
    if member is None:
        return step
    if member.stem == member.name:
        return member.name
    return f"{member.stem}.ofType({member.type})"


def _container(member: Member) -> str:
    return "Element" if member.primitive else member.type
