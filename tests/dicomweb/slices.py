"""A CT of many small slices, made of the demo's own: what a viewer scrolls through."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pydicom
from pydicom.uid import UID, generate_uid

from dicomweb.archives.archive import Address
from dicomweb.demo.files import Person, files_of
from mappers.demo.imaging import STUDIES, DemoStudy
from tests.dicomweb.files import Sent

#: every third row and column of the demo's 192 by 192
STEP = 3
CT = next(study for study in STUDIES if study.modality == "CT")


def slices(study: DemoStudy, count: int) -> Iterator[Sent]:
    """A new series of so many slices for a study, in order."""
    first = next(iter(files_of(CT, Person("Kim^Younghee"), Person("Park"))))
    made = pydicom.dcmread(io.BytesIO(first.content))
    made.PixelData = np.ascontiguousarray(made.pixel_array[::STEP, ::STEP]).tobytes()
    made.Rows, made.Columns = made.Rows // STEP, made.Columns // STEP
    made.PatientID, made.AccessionNumber = study.dicom_patient_id, study.accession_number
    made.StudyInstanceUID, made.SeriesInstanceUID = UID(study.study_instance_uid), generate_uid()
    for number in range(1, count + 1):
        yield _slice(made, number)


def _slice(made: pydicom.Dataset, number: int) -> Sent:
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    made.InstanceNumber = made.SliceLocation = made.ImagePositionPatient[2] = number
    file = io.BytesIO()
    made.save_as(file)
    address = Address(made.StudyInstanceUID, made.SeriesInstanceUID, made.SOPInstanceUID)
    return Sent(address, file.getvalue())
