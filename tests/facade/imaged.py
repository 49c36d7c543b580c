"""Rows of the imaging archive's index: the demo's studies, and series as real modalities send them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, select

from mappers.demo.imaging import STUDIES, DemoSeries, DemoStudy
from mappers.demo.loading import load
from mappers.demo.rows import Row, complete
from mappers.facade.imaging import fhir_dicom_instance, fhir_dicom_series, fhir_dicom_study

SOP_CLASSES = {"MR": "1.2.840.10008.5.1.4.1.1.4", "CT": "1.2.840.10008.5.1.4.1.1.2"}
MOMENT = "2025-11-01 09:00:00.000000"
#: a UID that two RIS rows have; the images are the first one's
SHARED, OWNER, OTHER = "2.25.900003", "ST-2025-900003", "ST-2025-900004"
#: its only series says nothing of itself, while its row names a modality
SILENT = "ST-2025-900005"


def leave_images(target: Engine | Connection) -> None:
    """Fills the index, if nothing is in it yet."""
    if isinstance(target, Engine):
        with target.begin() as connection:
            return leave_images(connection)
    if target.execute(select(fhir_dicom_study.c.study)).first() is None:
        load(target, (*indexed(), *awkward()))
    return None


def indexed() -> Iterator[Row]:
    """What the index holds once the demo's studies have been archived."""
    for study in STUDIES:
        yield _study(study.study_instance_uid, study.study_id, study.dicom_patient_id)
        for series in study.series:
            yield from _series(study, series)


def _study(uid: str, ris_study: str, patient_id: str) -> Row:
    return fhir_dicom_study, _row(
        fhir_dicom_study,
        study=uid,
        ris_study=ris_study,
        patient_id=patient_id,
        attributes="{}",
        updated_at=MOMENT,
    )


def _series(study: DemoStudy, series: DemoSeries) -> Iterator[Row]:
    uid, when = study.series_instance_uid(series), study.study_datetime
    yield one_series(
        study.study_instance_uid,
        uid,
        modality=study.modality,
        number=series.number,
        description=series.description,
        body_part=study.body_part,
        series_date=when[:10].replace("-", ""),
        series_time=when[11:].replace(":", ""),
    )
    for number in range(1, series.instances + 1):
        instance = study.sop_instance_uid(series, number)
        yield one_instance(study.study_instance_uid, uid, instance, SOP_CLASSES[study.modality], number)


def one_series(study: str, uid: str, **said: Any) -> Row:
    """A series' row."""
    return fhir_dicom_series, _row(fhir_dicom_series, study=study, series=uid, attributes="{}", **said)


def one_instance(study: str, series: str, uid: str, sop_class: str, number: int | None = None) -> Row:
    """An instance's row."""
    return fhir_dicom_instance, _row(
        fhir_dicom_instance,
        study=study,
        series=series,
        instance=uid,
        sop_class=sop_class,
        number=number,
        size=0,
        metadata="{}",
    )


def awkward() -> Iterator[Row]:
    """Series that lack what others have, and say what no map knows."""
    yield _study(SHARED, OWNER, "P-2025-900001")
    yield one_series(
        SHARED,
        f"{SHARED}.1",
        modality="MG",
        laterality="L",
        body_part="BREAST",
        performer="김^철수",
        series_date="20250301",
        series_time="0915",
    )
    yield one_instance(SHARED, f"{SHARED}.1", f"{SHARED}.1.1", "1.2.840.10008.5.1.4.1.1.1.2", 1)
    yield one_instance(SHARED, f"{SHARED}.1", f"{SHARED}.1.2", "", -1)
    yield one_series(
        SHARED,
        f"{SHARED}.2",
        modality="",
        number=-5,
        laterality="U",
        body_part="SNOUT",
        performer="Kim^Chul^^Dr=김^철",
        series_date="20251399",
    )
    yield one_series(SHARED, f"{SHARED}.3", modality="ZZ", performer="^^", series_date="20250301")
    yield _study("2.25.900005", SILENT, "P-2025-900001")
    yield one_series("2.25.900005", "2.25.900005.01")


def _row(table: Any, **said: Any) -> dict[str, Any]:
    return complete(table, {c.name: "" for c in table.c if c.server_default is not None} | said)
