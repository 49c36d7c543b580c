"""Whose a study is: the RIS's row decides, and where there is none, whom its PatientID means.

A patient's safety rides on it: what isn't clear is not guessed, it waits in quarantine with a reason.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, literal, or_, select

from dicomweb.index.entry import Entry
from dicomweb.index.patients import patient_of
from dicomweb.index.reading import rows
from mappers.cdss.tables import ocs_order, ris_radiologystudy
from mappers.database import Database
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_study
from mappers.sql import exact

RIS, STUDY, INSTANCE = ris_radiologystudy.c, fhir_dicom_study.c, fhir_dicom_instance.c

#: reasons for which instances wait in quarantine
UNKNOWN_PATIENT = "unknown-patient"
ANOTHER_PATIENT = "another-patient"
TWO_PATIENTS = "study-of-two-patients"
SEVERAL_ROWS = "several-ris-rows"
REASONS = {
    UNKNOWN_PATIENT: "neither its PatientID nor its accession number says whose study it is",
    ANOTHER_PATIENT: "its PatientID means another patient than the RIS's study has",
    TWO_PATIENTS: "the archive has this study under another PatientID",
    SEVERAL_ROWS: "several studies of the RIS have its UID or its accession number",
}


class Told(NamedTuple):
    """What images say of their study; `instance`: the one that is about to come, if any is."""

    study: str
    patient_id: str
    accession_number: str
    instance: str = ""

    @classmethod
    def by(cls, entry: Entry) -> Told:
        """What an instance says."""
        address = entry.address
        return cls(address.study, entry.patient_id, entry.accession_number, address.instance)


class Whose(NamedTuple):
    """The RIS's row of a study ('': one has to be made), its patient and order; or why that isn't clear."""

    study_id: str = ""
    patient: str = ""
    order_id: str | None = None
    reason: str = ""


class _Row(NamedTuple):
    study_id: str
    patient: str
    order_id: str | None


async def whose(database: Database, told: Told) -> Whose:
    """Whose study images are."""
    if await _under_another_id(database, told):
        return Whose(reason=TWO_PATIENTS)
    meant = await patient_of(database, told.patient_id)
    by_uid = await _of_uid(database, told.study)
    if by_uid:
        return _one_of(by_uid, meant)
    by_accession = await _awaiting(database, told.accession_number)
    if by_accession:
        # another hospital may have given out the number, too: a PatientID that isn't ours speaks against it
        unknown = bool(told.patient_id) and not meant
        return Whose(reason=UNKNOWN_PATIENT) if unknown else _one_of(by_accession, meant)
    if not meant:
        return Whose(reason=UNKNOWN_PATIENT)
    return Whose("", meant, await _order_of(database, told.accession_number, meant))


async def is_known(database: Database, study: str) -> bool:
    """Whether the RIS or the index has a study of that UID."""
    indexed = select(STUDY.study).where(STUDY.study == study)
    return bool(await rows(database, indexed) or await _rows(database, RIS.study_instance_uid == study))


async def _under_another_id(database: Database, told: Told) -> bool:
    """Whether other instances of the study have another PatientID: Orthanc would answer for neither."""
    found = await rows(database, select(STUDY.patient_id).where(STUDY.study == told.study))
    if all(known == told.patient_id for (known,) in found):
        return False
    others = select(INSTANCE.instance).where(INSTANCE.study == told.study, INSTANCE.instance != told.instance)
    return bool(await rows(database, others.limit(1)))


def _one_of(found: list[_Row], meant: str) -> Whose:
    """The only row, or of several the only one of the patient who is meant.

    A PatientID that means nobody is no contradiction to a single row.
    """
    fitting = [row for row in found if row.patient == meant] if meant else found
    if len(fitting) == 1:
        return Whose(*fitting[0])
    if len(found) == 1:
        return Whose(*found[0], reason=ANOTHER_PATIENT)
    return Whose(reason=SEVERAL_ROWS)


async def _of_uid(database: Database, study: str) -> list[_Row]:
    """The rows that have the study's UID; the one that the index names, if that has it still."""
    named = select(STUDY.ris_study).where(STUDY.study == study, STUDY.ris_study != "")
    for (key,) in await rows(database, named):
        if found := await _rows(database, RIS.study_id == key, RIS.study_instance_uid == study):
            return found
    return await _rows(database, RIS.study_instance_uid == study)


async def _awaiting(database: Database, accession_number: str) -> list[_Row]:
    """The rows of an accession number that have no images yet."""
    if not accession_number:
        return []
    without = or_(RIS.study_instance_uid.is_(None), RIS.study_instance_uid == "")
    return await _rows(database, RIS.accession_number == exact(literal(accession_number)), without)


async def _rows(database: Database, *conditions: ColumnElement[bool]) -> list[_Row]:
    found = select(RIS.study_id, RIS.patient_id, RIS.order_id).where(*conditions).order_by(RIS.study_id)
    return [
        _Row(str(key), str(patient), order) for key, patient, order in await rows(database, found.limit(10))
    ]


async def _order_of(database: Database, accession_number: str, patient: str) -> str | None:
    """The patient's order that an accession number names: its other studies' or the one of that id."""
    if not accession_number:
        return None
    named = RIS.accession_number == exact(literal(accession_number))
    others = await _rows(database, named, RIS.patient_id == patient)
    orders = {row.order_id for row in others if row.order_id}
    if len(orders) == 1:
        return orders.pop()
    own = select(ocs_order.c.order_id).where(
        ocs_order.c.order_id == accession_number, ocs_order.c.patient_id == patient
    )
    return next((str(key) for (key,) in await rows(database, own) if key == accession_number), None)
