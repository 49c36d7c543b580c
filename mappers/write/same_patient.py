"""What a row refers to is of the row's own patient: a visit, an order, a specimen of another one isn't."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import Select, select

from mappers.cells import told_at
from mappers.mapping import Element, Part
from mappers.stored.content import Resource
from mappers.value import Column
from mappers.values.references import ReferenceTo
from mappers.write.faults import WriteFault

Fetch = Callable[[Select[Any]], Awaitable[Any]]
#: (type, part, native key) of a reference to this server; None for any other text
Resolved = Callable[[str], tuple[str, Part, Any] | None]


async def refuse_other_patients(
    fetch: Fetch, resolved: Resolved, part: Part, elements: Iterable[Element], resource: Resource
) -> None:
    """Raises WriteFault 422 for a reference among the elements that leads to another patient's row."""
    patient = _patient(part, resource, resolved)
    if patient is None:
        return
    for element in elements:
        for text in _references(element, resource):
            whose = await _whose(fetch, resolved(text))
            if whose is not None and whose != patient:
                path = element.path.removesuffix("[]")
                other = f"{text[:80]} is of another patient"
                raise WriteFault(422, "business-rule", other, f"{resource['resourceType']}.{path}")


def _patient(part: Part, resource: Resource, resolved: Resolved) -> Any:
    """The patient's key that the row has, if it is one of the CDSS."""
    for element in part.elements:
        if _is_patients(element):
            for text in _told(element, resource):
                found = resolved(text)
                return found[2] if found and not found[1].id.prefix else None
    return None


def _references(element: Element, resource: Resource) -> Iterator[str]:
    if isinstance(element.writer, ReferenceTo) and not _is_patients(element):
        yield from _told(element, resource)


def _told(element: Element, resource: Resource) -> Iterator[str]:
    told = told_at(resource, element.path)
    for one in told if isinstance(told, list) else [told]:
        if isinstance(one, dict) and isinstance(one.get("reference"), str):
            yield one["reference"]


def _is_patients(element: Element) -> bool:
    return isinstance(element.writer, ReferenceTo) and element.writer.resource_type == "Patient"


async def _whose(fetch: Fetch, led: tuple[str, Part, Any] | None) -> Any:
    column = _column(led[1]) if led is not None else None
    if led is None or column is None:
        return None
    rows = await fetch(select(column).where(led[1].id.column == led[2]))
    return rows[0][0] if rows else None


def _column(part: Part) -> Column | None:
    """The column of a part's own table that holds the patient's key (OpenEMR's hold other numbers)."""
    patients = (e.writer for e in part.elements if _is_patients(e) and isinstance(e.writer, ReferenceTo))
    led = (route for patient in patients for route in patient.routes if route.target is None)
    return next((r.own for r in led if getattr(r.own, "table", None) is part.source.table), None)
