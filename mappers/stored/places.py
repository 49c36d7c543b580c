"""What the facade's own sealed texts are bound to: moved to another row, they don't open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mappers.facade.imaging import fhir_dicom_instance
from mappers.facade.tables import fhir_resource, fhir_version
from mappers.keyring import place
from mappers.resealing import Target

CONTENT = "content"
METADATA = "metadata"


def of_whole(key: Any) -> bytes:
    """A resource that is kept whole, by the id of its row."""
    return place(fhir_resource.name, CONTENT, "", key)


def of_rest(part: str, key: Any) -> bytes:
    """What is kept beside a row of a part, by that row's native key."""
    return place(fhir_resource.name, CONTENT, part, key)


def of_version(resource_type: str, id_: str, version_id: str) -> bytes:
    """A version of a resource."""
    return place(fhir_version.name, CONTENT, resource_type, id_, version_id)


def of_metadata(instance: str) -> bytes:
    """What the index of images holds of an instance, by its UID."""
    return place(fhir_dicom_instance.name, METADATA, instance)


def _of_resource(bound: Sequence[Any]) -> bytes:
    part, key_int, key_text, id_ = bound
    if part == "":
        return of_whole(id_)
    return of_rest(part, key_text if key_int is None else key_int)


#: every column that holds what clients have sent, and how a value's place is told by what it is bound to
STORED: tuple[tuple[Target, Callable[[Sequence[Any]], bytes]], ...] = (
    (
        Target(fhir_resource.name, CONTENT, ("id",), bound=("part", "key_int", "key_text", "id")),
        _of_resource,
    ),
    (
        Target(fhir_version.name, CONTENT, ("id",), bound=("resource_type", "resource_id", "version_id")),
        lambda bound: of_version(*bound),
    ),
    (Target(fhir_dicom_instance.name, METADATA, ("instance",)), lambda bound: of_metadata(*bound)),
)
