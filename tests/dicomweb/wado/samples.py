"""Files of many vendors and transfer syntaxes, as pydicom brings them, made instances of one study.

Each keeps its pixels, its transfer syntax and what its vendor wrote; its UIDs and its patient are the demo's.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache

import pydicom
from pydicom.uid import HTJ2K, UID, HTJ2KLossless, HTJ2KLosslessRPCL

from dicomweb.archives.archive import Address
from mappers.demo.imaging import STUDIES
from tests.dicomweb.files import packaged
from tests.dicomweb.wado.htj2k import encode

STUDY = STUDIES[2].study_instance_uid
PATIENT = STUDIES[2].dicom_patient_id
SERIES = f"{STUDY}.77"
#: by what each is for; some are encoded anew
NAMES = {
    "explicit": "CT_small.dcm",
    "implicit": "MR_small_implicit.dcm",
    "big endian": "MR_small_bigendian.dcm",
    "big endian colour": "ExplVR_BigEnd.dcm",
    "deflated": "image_dfl.dcm",
    "rle": "MR_small_RLE.dcm",
    "rle colour frames": "SC_rgb_rle_2frame.dcm",
    "jpeg": "SC_rgb_jpeg_dcmtk.dcm",
    "jpeg frames": "examples_ybr_color.dcm",
    "jpeg 12 bit": "JPGExtended.dcm",
    "jpeg lossless": "SC_rgb_jpeg_gdcm.dcm",
    "jpeg-ls": "MR_small_jpeg_ls_lossless.dcm",
    "j2k lossless": "MR_small_jp2klossless.dcm",
    "j2k": "693_J2KI.dcm",
    "htj2k lossless": "CT_small.dcm",
    "htj2k lossless rpcl": "MR_small_implicit.dcm",
    "htj2k lossless colour": "SC_rgb_rle.dcm",
    "htj2k": "MR_small_implicit.dcm",
    "frames": "rtdose.dcm",
    "palette": "examples_palette.dcm",
    "bits": "liver_1frame.dcm",
    "inverted": "77654033/CR1/6154",
    "report": "reportsi.dcm",
    "waveform": "waveform_ecg.dcm",
    "truncated": "MR_truncated.dcm",
}
HIGH_THROUGHPUT = {
    "htj2k lossless": HTJ2KLossless,
    "htj2k lossless rpcl": HTJ2KLosslessRPCL,
    "htj2k lossless colour": HTJ2KLosslessRPCL,
    "htj2k": HTJ2K,
}
LOSSLESS = (
    "explicit",
    "implicit",
    "big endian",
    "big endian colour",
    "deflated",
    "rle",
    "rle colour frames",
    "jpeg lossless",
    "jpeg-ls",
    "j2k lossless",
    "htj2k lossless",
    "htj2k lossless rpcl",
    "htj2k lossless colour",
    "frames",
    "palette",
)
LOSSY = ("jpeg", "jpeg frames", "jpeg 12 bit", "j2k", "htj2k")


def address_of(name: str) -> Address:
    """Where a sample is; the two series tell images from the rest."""
    number = list(NAMES).index(name) + 1
    series = f"{STUDY}.78" if name in ("report", "waveform") else SERIES
    return Address(STUDY, series, f"{series}.{number}")


def path_of(name: str) -> str:
    """Its resource."""
    study, series, instance = address_of(name)
    return f"/studies/{study}/series/{series}/instances/{instance}"


@cache
def sample(name: str) -> bytes:
    """The Part 10 file."""
    dataset = pydicom.dcmread(packaged(NAMES[name]).file)
    if name in HIGH_THROUGHPUT:
        encode(dataset, HIGH_THROUGHPUT[name])
    address = address_of(name)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = map(UID, address)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.PatientID, dataset.InstanceNumber = PATIENT, list(NAMES).index(name) + 1
    dataset.setdefault("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7")
    written = io.BytesIO()
    dataset.save_as(written, enforce_file_format=True)
    return written.getvalue()


def samples() -> Mapping[Address, bytes]:
    """All of them."""
    return {address_of(name): sample(name) for name in NAMES}
