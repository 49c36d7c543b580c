"""High-Throughput JPEG 2000, which no sample at hand has: encoded by OpenJPH's own program.

https://dicom.nema.org/medical/dicom/current/output/html/part05.html#sect_A.4.13
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import HTJ2K, UID, HTJ2KLossless, HTJ2KLosslessRPCL

from tests.services.packages import release, unpacked

#: transfer syntaxes, and how the encoder is asked for each
OPTIONS = {
    HTJ2KLossless: ("-reversible", "true", "-prog_order", "LRCP"),
    HTJ2KLosslessRPCL: ("-reversible", "true", "-prog_order", "RPCL"),
    HTJ2K: ("-qstep", "0.001"),
}


def encode(dataset: Dataset, syntax: UID) -> None:
    """Compresses a data set's only frame."""
    frame = _encoded(dataset, *OPTIONS[syntax])
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].is_undefined_length = True
    if dataset.SamplesPerPixel > 1:
        dataset.PlanarConfiguration = 0
        dataset.PhotometricInterpretation = "YBR_RCT"
    if syntax == HTJ2K:
        dataset.LossyImageCompression = "01"


def _encoded(dataset: Dataset, *options: str) -> bytes:
    root = unpacked("openjph", release()["VERSION_CODENAME"], "openjph-tools")
    samples = dataset.SamplesPerPixel
    planes = dataset.pixel_array if samples == 1 else np.moveaxis(dataset.pixel_array, 2, 0)
    each = {
        "-signed": ("false", "true")[dataset.PixelRepresentation],
        "-bit_depth": str(dataset.BitsStored),
        "-downsamp": "{1,1}",
    }
    told = [item for name, value in each.items() for item in (name, ",".join([value] * samples))]
    size = ["-dims", f"{{{dataset.Columns},{dataset.Rows}}}", "-num_comps", str(samples)]
    with TemporaryDirectory() as folder:
        raw, made = Path(folder) / "frame.yuv", Path(folder) / "frame.j2c"
        raw.write_bytes(planes.tobytes())
        command = [*root.command("usr/bin/ojph_compress"), "-i", str(raw), "-o", str(made), *size, *told]
        subprocess.run([*command, *options], check=True, capture_output=True)
        return made.read_bytes()
