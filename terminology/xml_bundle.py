"""Reading the FHIR XML form of a definitions bundle: just enough for the build scripts."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

FHIR = "{http://hl7.org/fhir}"


def read_bundle(archive: zipfile.ZipFile, path: str) -> ElementTree.Element:
    """The parsed bundle; the archive is the build's own input, not something from outside."""
    return ElementTree.fromstring(archive.read(path))  # noqa: S314 - see above


def every(bundle: ElementTree.Element, resource_type: str) -> Iterator[ElementTree.Element]:
    """The bundle's resources of this type."""
    return bundle.iter(FHIR + resource_type)


def child(parent: ElementTree.Element, name: str) -> ElementTree.Element | None:
    """The first child of that name."""
    return parent.find(FHIR + name)


def children(parent: ElementTree.Element | None, name: str) -> list[ElementTree.Element]:
    """All children of that name; none of a parent that is not there."""
    return [] if parent is None else parent.findall(FHIR + name)


def value(parent: ElementTree.Element, name: str | None = None) -> str | None:
    """The `value` attribute of the element itself or of its child `name`."""
    found = parent if name is None else child(parent, name)
    return None if found is None else found.get("value")


def flag(parent: ElementTree.Element, name: str) -> bool:
    """Whether the child `name` says true."""
    return value(parent, name) == "true"
