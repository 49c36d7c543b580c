"""Rows of the imaging index, without an archive: a study for each of the RIS's UIDs, and some for nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, Table, text

from mappers.demo.identifiers import dicom_uid
from mappers.demo.imaging import STUDIES
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study

#: studies by name: of the demo's patients, and one whose row the RIS lacks
OLD, MR, CT = (study.study_instance_uid for study in STUDIES)
NOBODYS = dicom_uid("nobody's")
#: a second row of the RIS with the UID of the old study, which is another patient's
SECOND_ROW = text(
    "INSERT INTO ris_radiologystudy "
    "(study_id, patient_id, study_instance_uid, status, created_at, updated_at) "
    "SELECT 'ST-0000-SECOND', 'P-2025-000003', study_instance_uid, status, created_at, updated_at "
    "FROM ris_radiologystudy WHERE study_id = 'ST-2025-000001'"
)
SERIES = {OLD: ("MR", 3), MR: ("MR", 2), CT: ("CT", 1), NOBODYS: ("US", 1)}
INSTANCES = 3


def fill(connection: Connection) -> None:
    """Puts the rows in."""
    for number, study in enumerate(STUDIES):
        uid = study.study_instance_uid
        add_study(
            connection,
            uid,
            patient_id=study.dicom_patient_id,
            patient_name=("KIM^YEONGHUI=金^英姬=김^영희", "Müller^Jörg^^Dr.", "Müller^Jörg")[number],
            patient_birth_date=("19790203", "", "19881231")[number],
            study_date=study.study_datetime[:10].replace("-", ""),
            study_time=study.study_datetime[11:19].replace(":", ""),
            accession_number=study.accession_number,
            description=study.description,
            ris_study=study.study_id,
            study_id=f"S{number}",
        )
    add_study(connection, NOBODYS, patient_id="P-2025-000001", study_date="20260101")
    connection.execute(SECOND_ROW)
    for uid, (modality, count) in SERIES.items():
        for number in range(1, count + 1):
            add_series(connection, uid, number, modality)


def clear(connection: Connection) -> None:
    """Takes them out again."""
    for table in (fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study):
        connection.execute(table.delete())
    connection.execute(text("DELETE FROM ris_radiologystudy WHERE study_id = 'ST-0000-SECOND'"))


def add_study(connection: Connection, uid: str, **columns: str) -> None:
    """A study with the attributes that its columns repeat, and one more."""
    told = {"00080201": {"vr": "SH", "Value": ["+0900"]}, "00101010": {"vr": "AS", "Value": ["045Y"]}}
    _add(connection, fhir_dicom_study, study=uid, updated_at="2025-01-01", attributes=told, **columns)


def add_series(connection: Connection, study: str, number: int, modality: str) -> None:
    """A series of three instances."""
    uid = f"{study}.{number}"
    step = {"00400009": {"vr": "SH", "Value": [f"STEP{number}"]}}
    _add(
        connection,
        fhir_dicom_series,
        series=uid,
        study=study,
        modality=modality,
        number=number,
        description=f"Series {number}",
        body_part="BRAIN",
        performer=r"KIM^A\LEE^B=李^乙" if number == 3 else "",
        attributes={"00400275": {"vr": "SQ", "Value": [step]}},
    )
    for instance in range(1, INSTANCES + 1):
        told = {
            "00200013": {"vr": "IS", "Value": [instance]},
            "00080008": {"vr": "CS", "Value": ["ORIGINAL"]},
        }
        _add(
            connection,
            fhir_dicom_instance,
            instance=f"{uid}.{instance}",
            series=uid,
            study=study,
            sop_class="1.2.840.10008.5.1.4.1.1.4",
            transfer_syntax="1.2.840.10008.1.2.1",
            number=instance,
            row_count=64,
            column_count=64,
            bits_allocated=16,
            frames=1,
            size=100,
            metadata=told,
        )


def _add(connection: Connection, table: Table, **columns: Any) -> None:
    values = {name: _kept(value) if isinstance(value, Mapping) else value for name, value in columns.items()}
    connection.execute(table.insert().values(values))


def _kept(told: Mapping[str, Any]) -> str:
    """DICOM JSON as the index keeps it."""
    return orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()
