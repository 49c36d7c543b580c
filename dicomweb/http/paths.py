"""Addresses of DICOMweb's resources. https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.2"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from dicomweb.archives.archive import Address
from dicomweb.http.faults import DicomFault
from dicomweb.http.routes import Route
from dicomweb.index.entry import is_uid

NAMES = {"study": "StudyInstanceUID", "series": "SeriesInstanceUID", "instance": "SOPInstanceUID"}


class Paths:
    """The resources by their addresses."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._by_path: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            template = tuple(route.path.strip("/").split("/"))
            self._by_path.setdefault(template, {})[route.method] = route

    def find(self, path: str) -> tuple[Mapping[str, Route], Mapping[str, str]]:
        """The routes of an address by method, and what stands in its places; none for an unknown one."""
        segments = [unquote(s, errors="replace") for s in path.strip("/").split("/")]
        for template, routes in self._by_path.items():
            found = _placed(template, segments)
            if found is not None:
                return routes, found
        return {}, {}


def _placed(template: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    """What of an address stands in a template's places; None where they don't fit."""
    if template[-1].endswith(":path}") and len(segments) > len(template):
        last = len(template) - 1
        segments = [*segments[:last], "/".join(segments[last:])]
    if len(template) != len(segments):
        return None
    found = {}
    for name, segment in zip(template, segments, strict=True):
        if name.startswith("{"):
            found[name.strip("{}").partition(":")[0]] = segment
        elif name != segment:
            return None
    return found


def address_of(placed: Mapping[str, str]) -> Address:
    """The UIDs of an address; raises DicomFault 400 for what is none."""
    for place, name in NAMES.items():
        if place in placed and not is_uid(placed[place]):
            raise DicomFault(400, f"the {name} in the address is no UID: digits and dots, at most 64 of them")
    return Address(*(placed.get(place, "") for place in NAMES))
