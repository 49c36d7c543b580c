"""Small Part 10 files of our own, with whatever a test wants in them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, BinaryIO

from pydicom.data import get_charset_files, get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

STUDY, SERIES, INSTANCE = "1.2.826.0.1.1", "1.2.826.0.1.1.2", "1.2.826.0.1.1.2.3"


def dataset(**attributes: Any) -> Dataset:
    """An image of 4 by 4 pixels, of P-2025-000001 in the study `STUDY`, with the attributes changed."""
    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = SecondaryCaptureImageStorage, INSTANCE
    made.StudyInstanceUID, made.SeriesInstanceUID = STUDY, SERIES
    made.PatientID, made.Modality = "P-2025-000001", "OT"
    made.Rows = made.Columns = 4
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation, made.SamplesPerPixel = 7, 0, 1
    made.PhotometricInterpretation, made.PixelData = "MONOCHROME2", bytes(range(16))
    made["PixelData"].VR = "OB"
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def part10(made: Dataset | None = None, syntax: str = ExplicitVRLittleEndian, **attributes: Any) -> BinaryIO:
    """The file of a data set, or of `dataset(**attributes)`."""
    made = made if made is not None else dataset(**attributes)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = syntax  # type: ignore[assignment]
    made.file_meta.MediaStorageSOPClassUID = made.get("SOPClassUID") or SecondaryCaptureImageStorage
    made.file_meta.MediaStorageSOPInstanceUID = UID(made.get("SOPInstanceUID") or INSTANCE)
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    file.seek(0)
    return file


def sample(name: str) -> BinaryIO:
    """One of pydicom's own test files: what devices of several vendors have written."""
    found = [*get_charset_files(name), get_testdata_file(name, download=False)]
    return io.BytesIO(Path(str(found[0])).read_bytes())
