"""The follower of the archive that the settings name, and the RIS that follows it."""

from __future__ import annotations

from dicomweb.archives.archive import Archive
from dicomweb.following import Follower
from dicomweb.intake import Intake
from dicomweb.ris import Ris
from fhir_facade.service import Service


def follower_of(service: Service, archive: Archive) -> Follower:
    """What this worker follows the archive with."""
    intake = Intake(service.site, ris_of(service, archive))
    minutes = service.settings.archive_comparison_minutes
    return Follower(archive, service.engine.database, intake, minutes)


def ris_of(service: Service, archive: Archive) -> Ris:
    """The RIS's rows, as they follow the archive."""
    return Ris(service.engine, archive.name)
