"""The demo's studies as Part 10 files: CT and MR images as scanners make them, the same on every run."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from dicomweb.archives.archive import Address
from dicomweb.demo.anatomy import CHEST, T1, T1_CONTRAST, T2, Contrast, Pixels, Plane
from mappers.demo.identifiers import dicom_uid
from mappers.demo.imaging import DemoSeries, DemoStudy

#: what CT scanners add to Hounsfield units, and put where their circle of view ends
INTERCEPT, PADDING = -1024, -2000
#: minutes between two series
PAUSE = 4


@dataclass(frozen=True)
class Person:
    """Whom a study is of, or who asked for it, as the worklist tells a scanner."""

    name: str
    birth_date: str = ""
    sex: str = ""


class DemoFile(NamedTuple):
    """A Part 10 file and where it belongs."""

    address: Address
    content: bytes


@dataclass(frozen=True)
class _Stack:
    """The planes of a series."""

    plane: Plane
    contrast: Contrast
    first: float
    distance: float


def files_of(study: DemoStudy, patient: Person, referrer: Person) -> Iterator[DemoFile]:
    """All instances of a study, in order."""
    begun = datetime.fromisoformat(study.study_datetime)
    for number, series in enumerate(study.series):
        shared = _study(study, patient, referrer, begun)
        _series(shared, study, series, begun + timedelta(minutes=PAUSE * number))
        stack = _stack(study, series)
        for instance in range(1, series.instances + 1):
            yield _file(shared, study, series, stack, instance)


def _stack(study: DemoStudy, series: DemoSeries) -> _Stack:
    if study.modality == "CT":
        return _Stack(Plane(192, 1.98), CHEST, -45 - 2.5 * (series.instances - 1), 5.0)
    contrasts = {"T1 SE axial": T1, "T1 SE axial +C": T1_CONTRAST, "T2": T2}
    distance = 132 / series.instances
    return _Stack(
        Plane(128, 1.875),
        contrasts[series.description],
        -distance * (series.instances - 1) / 2,
        distance,
    )


def _study(study: DemoStudy, patient: Person, referrer: Person, begun: datetime) -> Dataset:
    made = Dataset()
    # both character sets that Korean hospitals' scanners send
    made.SpecificCharacterSet = "ISO_IR 192" if study.modality == "MR" else ["", "ISO 2022 IR 149"]
    made.PatientName, made.PatientID = patient.name, study.dicom_patient_id
    made.PatientBirthDate, made.PatientSex = patient.birth_date, patient.sex
    made.StudyInstanceUID, made.StudyID = study.study_instance_uid, study.study_id
    made.AccessionNumber, made.StudyDescription = study.accession_number, study.description
    made.StudyDate, made.StudyTime = f"{begun:%Y%m%d}", f"{begun:%H%M%S}"
    made.TimezoneOffsetFromUTC = "+0900"
    made.ReferringPhysicianName = referrer.name
    made.FrameOfReferenceUID, made.PositionReferenceIndicator = dicom_uid(study.study_id, "frame"), ""
    return made


def _series(made: Dataset, study: DemoStudy, series: DemoSeries, begun: datetime) -> None:
    made.SeriesInstanceUID = study.series_instance_uid(series)
    made.SeriesNumber, made.SeriesDescription = series.number, series.description
    made.Modality, made.BodyPartExamined, made.PatientPosition = study.modality, study.body_part, "HFS"
    made.ProtocolName = series.description
    for kind in ("Series", "Acquisition", "Content"):
        setattr(made, f"{kind}Date", f"{begun:%Y%m%d}")
        setattr(made, f"{kind}Time", f"{begun:%H%M%S}")
    made.Manufacturer, made.ManufacturerModelName = "NeuroNova", f"Phantom {study.modality}"
    made.InstitutionName, made.StationName = "NeuroNova demo hospital", f"{study.modality}1"
    made.SoftwareVersions, made.DeviceSerialNumber = "1.0", "1"
    made.AcquisitionNumber = series.number
    made.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if study.modality == "CT" else "OTHER"]
    (_ct if study.modality == "CT" else _mr)(made, series)


def _ct(made: Dataset, series: DemoSeries) -> None:
    made.SOPClassUID = CTImageStorage
    made.KVP, made.XRayTubeCurrent, made.ExposureTime = 120, 200, 500
    made.ConvolutionKernel, made.ScanOptions = "STANDARD", "HELICAL MODE"
    made.PixelRepresentation, made.BitsStored, made.HighBit = 1, 16, 15
    made.RescaleIntercept, made.RescaleSlope, made.RescaleType = INTERCEPT, 1, "HU"
    made.PixelPaddingValue = PADDING
    made.WindowCenter, made.WindowWidth = [-600, 40], [1500, 400]
    made.WindowCenterWidthExplanation = ["LUNG", "MEDIASTINUM"]


def _mr(made: Dataset, series: DemoSeries) -> None:
    made.SOPClassUID = MRImageStorage
    t2 = series.description == "T2"
    made.ScanningSequence, made.SequenceVariant, made.ScanOptions = "SE", "NONE", ""
    made.MRAcquisitionType, made.MagneticFieldStrength = "2D", 3
    made.RepetitionTime, made.EchoTime = (4000, 100) if t2 else (600, 12)
    made.EchoTrainLength, made.FlipAngle = 1, 90
    made.PixelRepresentation, made.BitsStored, made.HighBit = 0, 12, 11
    made.WindowCenter, made.WindowWidth = 700, 1400
    if series.description.endswith("+C"):
        made.ContrastBolusAgent, made.ContrastBolusRoute = "gadobutrol", "IV"


def _file(shared: Dataset, study: DemoStudy, series: DemoSeries, stack: _Stack, instance: int) -> DemoFile:
    uid, plane = study.sop_instance_uid(series, instance), stack.plane
    z = stack.first + stack.distance * (instance - 1)
    shared.SOPInstanceUID, shared.InstanceNumber = uid, instance
    shared.ImagePositionPatient = [_ds(plane.corner), _ds(plane.corner), _ds(z)]
    shared.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.SliceLocation, shared.SliceThickness = _ds(z), _ds(stack.distance)
    shared.SpacingBetweenSlices = _ds(stack.distance)
    shared.PixelSpacing = [plane.spacing, plane.spacing]
    shared.Rows = shared.Columns = plane.size
    shared.SamplesPerPixel, shared.PhotometricInterpretation = 1, "MONOCHROME2"
    shared.BitsAllocated = 16
    seed = int(uid.rpartition(".")[2]) % 2**32
    shown = plane.slice(stack.contrast, study.lesions, z, seed)
    shared.PixelData = (_stored_ct(shown) if study.modality == "CT" else _stored_mr(shown)).tobytes()
    shared["PixelData"].VR = "OW"
    address = Address(study.study_instance_uid, study.series_instance_uid(series), uid)
    return DemoFile(address, _part10(shared))


def _stored_ct(hounsfield: Pixels) -> Pixels:
    """Signed values as CT scanners store them; outside of their circle of view there is padding."""
    stored = np.rint(hounsfield).astype("<i2") - np.int16(INTERCEPT)
    along = np.arange(len(stored)) - (len(stored) - 1) / 2
    stored[np.hypot(along[:, None], along[None, :]) > len(stored) / 2] = PADDING
    return stored


def _stored_mr(shown: Pixels) -> Pixels:
    """Unsigned values of 12 bits."""
    return np.clip(np.rint(shown), 0, 4095).astype("<u2")


def _part10(made: Dataset) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = made.SOPClassUID
    meta.MediaStorageSOPInstanceUID = UID(made.SOPInstanceUID)
    made.file_meta = meta
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _ds(millimetres: float) -> str:
    return f"{millimetres:.4f}".rstrip("0").rstrip(".")


def of_patient(name: str, name_en: str, birth_date: str, gender: str) -> Person:
    """A patient of the CDSS as a Korean scanner writes them: in Latin letters, and in Hangul."""
    latin = "^".join(name_en.split(" ", 1))
    return Person(f"{latin}=={in_hangul(name[:1], name[1:])}", birth_date.replace("-", "")[:8], gender)


def in_hangul(family: str, given: str) -> str:
    """A name as DICOM writes it. https://dicom.nema.org/medical/dicom/current/output/html/part05.html#sect_I.2"""
    return f"{family}^{given}"
