"""The demo's imaging studies, with UIDs, series and the known positions of their phantoms' lesions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mappers.cdss.tables import ris_radiologystudy
from mappers.demo.identifiers import dicom_uid, orthanc_id
from mappers.demo.rows import Row, complete


@dataclass(frozen=True)
class DemoLesion:
    """A sphere in patient coordinates (LPS, millimetres)."""

    x: float
    y: float
    z: float
    diameter_mm: float


@dataclass(frozen=True)
class DemoSeries:
    """A series of a demo study: its number, description and how many instances it has."""

    number: int
    description: str
    instances: int


@dataclass(frozen=True)
class DemoStudy:
    """A demo study as the RIS knows it; `dicom_patient_id` is what its instances say."""

    study_id: str
    patient_id: str
    dicom_patient_id: str
    order_id: str
    accession_number: str
    modality: str
    body_part: str
    description: str
    study_datetime: str
    referring_physician_id: int
    series: tuple[DemoSeries, ...]
    lesions: tuple[DemoLesion, ...]

    @property
    def study_instance_uid(self) -> str:
        return dicom_uid(self.study_id)

    @property
    def orthanc_id(self) -> str:
        return orthanc_id(self.dicom_patient_id, self.study_instance_uid)

    def series_instance_uid(self, series: DemoSeries) -> str:
        return dicom_uid(self.study_id, series.number)

    def sop_instance_uid(self, series: DemoSeries, instance_number: int) -> str:
        return dicom_uid(self.study_id, series.number, instance_number)


STUDIES = (
    DemoStudy(
        study_id="ST-2025-000001",
        patient_id="P-2025-000001",
        # An older study: the modality still sent OpenEMR's pubpid, and the RIS row decides whose it is.
        dicom_patient_id="MRN-0001",
        order_id="O-2025-000001",
        accession_number="A2025010800001",
        modality="MR",
        body_part="BRAIN",
        description="Brain MR with contrast",
        study_datetime="2025-01-08 13:42:10.000000",
        referring_physician_id=2,
        series=(
            DemoSeries(1, "T1 SE axial", 12),
            DemoSeries(2, "T1 SE axial +C", 24),
            DemoSeries(3, "T2", 12),
        ),
        lesions=(DemoLesion(-32.5, 41.0, 18.0, 21.4),),
    ),
    DemoStudy(
        study_id="ST-2025-000002",
        patient_id="P-2025-000002",
        dicom_patient_id="P-2025-000002",
        order_id="O-2025-000008",
        accession_number="A2025051400002",
        modality="MR",
        body_part="BRAIN",
        description="Brain MR with contrast",
        study_datetime="2025-05-14 10:12:00.000000",
        referring_physician_id=2,
        series=(DemoSeries(1, "T1 SE axial", 12), DemoSeries(2, "T1 SE axial +C", 24)),
        lesions=(),
    ),
    DemoStudy(
        study_id="ST-2025-000003",
        patient_id="P-2025-000002",
        dicom_patient_id="P-2025-000002",
        order_id="O-2025-000009",
        accession_number="A2025102100003",
        modality="CT",
        body_part="CHEST",
        description="Chest CT without contrast",
        study_datetime="2025-10-21 18:07:30.000000",
        referring_physician_id=3,
        series=(DemoSeries(1, "Chest 5 mm", 20),),
        lesions=(DemoLesion(60.0, 20.0, -45.0, 38.0),),
    ),
)


def study_rows() -> Iterator[Row]:
    """The RIS row of each study."""
    for study in STUDIES:
        yield ris_radiologystudy, complete(ris_radiologystudy, _ris_row(study))


def _ris_row(study: DemoStudy) -> dict[str, object]:
    shared = (
        "study_id",
        "patient_id",
        "order_id",
        "accession_number",
        "modality",
        "body_part",
        "description",
    )
    return {name: getattr(study, name) for name in shared} | {
        "study_instance_uid": study.study_instance_uid,
        "orthanc_id": study.orthanc_id,
        "study_datetime": study.study_datetime,
        "referring_physician_id": study.referring_physician_id,
        "num_series": len(study.series),
        "num_instances": sum(series.instances for series in study.series),
        "status": "completed",
    }
