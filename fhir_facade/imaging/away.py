"""An imaging archive that is away, told beside the ImagingStudies whose images it has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhir_facade.outcome import Issue
from fhir_facade.service import Service

IMAGING_STUDY = "ImagingStudy"
AWAY = Issue(
    "transient",
    "the imaging archive can't be asked just now: images can't be opened, and those that it receives "
    "meanwhile appear later; what is said here of ImagingStudies is whole",
    "warning",
)


def archive_away(service: Service, found: Iterable[dict[str, Any]], asked: Iterable[str] = ()) -> list[Issue]:
    """What to say where ImagingStudies were found, or nothing but them was `asked` for."""
    if service.archive is None or not service.archive.down:
        return []
    told = list(asked) == [IMAGING_STUDY] or any(r["resourceType"] == IMAGING_STUDY for r in found)
    return [AWAY] if told else []
