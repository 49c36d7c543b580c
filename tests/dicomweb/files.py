"""Files of scanners, as pydicom brings them."""

from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pydicom
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from dicomweb.archives.archive import Address

CT, MR = "CT_small.dcm", "MR_small.dcm"


class Sent(NamedTuple):
    """A Part 10 file and what it is."""

    address: Address
    content: bytes

    @property
    def file(self) -> BytesIO:
        """To be read from its start."""
        return BytesIO(self.content)


def packaged(name: str) -> Sent:
    """A file as pydicom brings it."""
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    content = Path(path).read_bytes()
    return Sent(_address(pydicom.dcmread(BytesIO(content), stop_before_pixels=True)), content)


def made(base: str = CT, **values: Any) -> Sent:
    """A file with UIDs of its own, and other values than its base has."""
    dataset = pydicom.dcmread(packaged(base).file)
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    for name, value in values.items():
        setattr(dataset, name, value)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    written = BytesIO()
    dataset.save_as(written)
    return Sent(_address(dataset), written.getvalue())


def _address(dataset: Dataset) -> Address:
    return Address(dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID)
