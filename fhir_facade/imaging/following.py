"""The follower of the archive that the settings name."""

from __future__ import annotations

from sqlalchemy import select

from dicomweb.archives.archive import Archive
from dicomweb.following import Follower
from dicomweb.index.entry import Entry
from dicomweb.index.reading import rows
from dicomweb.intake import Intake
from fhir_facade.service import Service
from mappers.facade.imaging import fhir_dicom_study
from mappers.transaction import Transaction


def follower_of(service: Service, archive: Archive) -> Follower:
    """What this worker follows the archive with."""
    intake = Intake(service.site, OneStudyOnePatient())
    minutes = service.settings.archive_comparison_minutes
    return Follower(archive, service.engine.database, intake, minutes)


class OneStudyOnePatient:
    """Lets no instance of another patient into a study."""

    async def reason(self, t: Transaction, entry: Entry) -> str:
        """`contradictory-patient` if the study's other instances are of another PatientID."""
        study = fhir_dicom_study.c
        found = await rows(t, select(study.patient_id).where(study.study == entry.address.study))
        return "" if all(known == entry.patient_id for (known,) in found) else "contradictory-patient"

    async def placed(self, t: Transaction, study: str) -> None:
        """The RIS is not touched."""
