"""Whom a PatientID means: a patient of the CDSS, by its own id or, in older studies, by OpenEMR's numbers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, or_, select

from dicomweb.index.reading import rows
from mappers.cdss.tables import emr_patientcache, ris_radiologystudy
from mappers.database import Database, SourceDownError
from mappers.openemr.tables import patient_data

P, OE, RIS = emr_patientcache.c, patient_data.c, ris_radiologystudy.c
#: numbers that OpenEMR's pid can have
_PID_DIGITS = 18


async def patient_of(database: Database, patient_id: str) -> str:
    """`emr_patientcache.patient_id` of whom a PatientID means; '' where it means nobody, or more than one.

    Compared to the letter, whatever the database's collation says of case and accents.
    """
    if not patient_id:
        return ""
    own = await rows(database, select(P.patient_id).where(P.patient_id == patient_id))
    if any(found == patient_id for (found,) in own):
        return patient_id
    try:
        found = await rows(database, _in_openemr(patient_id))
    except SourceDownError:  # a site without OpenEMR has none of its numbers
        return ""
    meant = {patient for patient, *numbers in found if patient_id in map(str, numbers)}
    return str(meant.pop()) if len(meant) == 1 else ""


def _in_openemr(number: str) -> Select[Any]:
    numbered = [OE.pubpid == number]
    if number.isascii() and number.isdigit() and len(number) <= _PID_DIGITS:
        numbered.append(OE.pid == int(number))
    joined = emr_patientcache.join(patient_data, OE.pid == P.openemr_pid)
    return select(P.patient_id, OE.pubpid, OE.pid).select_from(joined).where(or_(*numbered))


async def ris_study_of(database: Database, study: str) -> str:
    """`ris_radiologystudy.study_id` of the row that has the study's UID; '' where none has, or several."""
    found = await rows(database, select(RIS.study_id).where(RIS.study_instance_uid == study).limit(2))
    return str(found[0][0]) if len(found) == 1 else ""
