"""Every Reference of a resource, for callers that know which targets exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from mappers.validation.shapes import Child, Shape, shape_of
from terminology import definitions


class FoundReference(NamedTuple):
    """A Reference, where it stands, and the types it may have (`Resource` for any)."""

    expression: str
    reference: dict[str, Any]
    targets: tuple[str, ...]


def references(resource: dict[str, Any], expression: str | None = None) -> Iterator[FoundReference]:
    """The References in a resource, in contained ones and in entries too; none in what has no known type."""
    name = resource.get("resourceType")
    if isinstance(name, str) and definitions.kind(name) == "resource":
        yield from _of_object(resource, shape_of(name), expression or name)


def _of_object(value: dict[str, Any], shape: Shape, expression: str) -> Iterator[FoundReference]:
    for key, found in value.items():
        child = shape.children.get(key.removeprefix("_"))
        if child is not None:
            for one, where in _items(found, f"{expression}.{child.step}"):
                yield from _of_element(one, _ELEMENT if child.is_primitive else child, where)


def _items(found: Any, expression: str) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(found, dict):
        yield found, expression
    elif isinstance(found, list):
        for index, one in enumerate(found):
            if isinstance(one, dict):
                yield one, f"{expression}[{index}]"


def _of_element(value: dict[str, Any], child: Child | str, expression: str) -> Iterator[FoundReference]:
    if isinstance(child, str):
        yield from _of_object(value, shape_of(child), expression)
        return
    if child.type_code == "Reference":
        yield FoundReference(expression, value, child.targets)
    if child.shape:
        yield from _of_object(value, shape_of(child.shape), expression)
    else:
        yield from references(value, expression)


_ELEMENT = "Element"
