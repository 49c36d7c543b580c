"""From stored values to 8 bits of grey. https://dicom.nema.org/medical/dicom/current/output/html/part03.html#sect_C.11.2"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from dicomweb.wado.part10 import broken

Array = np.ndarray[Any, Any]
#: values that are looked up at once
STRETCH = 1 << 20


class Window(NamedTuple):
    """A window by PS3.3 C.11.2.1.2: `function` is linear, linear_exact or sigmoid."""

    center: float
    width: float
    function: str = "linear"

    def applied(self, values: Array) -> Array:
        """The values between 0 and 1."""
        centre, width = self.center, self.width
        if self.function == "sigmoid":
            return np.asarray(1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -80, 80))))
        if self.function == "linear":
            centre, width = centre - 0.5, max(width - 1, 1e-6)
        return np.asarray(np.clip((values - centre) / width + 0.5, 0, 1))


def grey(values: Array, header: Dataset, index: int, window: Window | None) -> Array:
    """A monochrome frame as bytes, black at 0: by the window given, else the file's own, else its range.

    Each value is shown as it is wherever it stands, so that of whole numbers each is looked up once.
    """
    with broken("says how its pixels are shown in a way that can't be applied"):
        if values.dtype.kind not in "iu" or values.dtype.itemsize > 2:
            return _grey(values, header, index, window)
        table = np.zeros(1 << values.dtype.itemsize * 8, np.uint8)
        places = values.view(f"u{values.dtype.itemsize}").ravel()
        there = np.zeros(table.size, bool)
        for at in _stretches(places):
            there[places[at]] = True
        known = np.flatnonzero(there).astype(places.dtype)
        table[known] = _grey(known.view(values.dtype), header, index, window)
        shown = np.empty(places.size, np.uint8)
        for at in _stretches(places):
            shown[at] = table[places[at]]
        return shown.reshape(values.shape)


def _stretches(values: Array) -> Iterator[slice]:
    """All of an array, some at a time: as indexes they are widened."""
    return (slice(start, start + STRETCH) for start in range(0, values.size, STRETCH))


def _grey(values: Array, header: Dataset, index: int, window: Window | None) -> Array:
    groups = list(_groups(header, index))
    seen = _measured(values, groups)
    shown = _shown(seen, values, groups, window)
    inverse = header.get("PresentationLUTShape") == "INVERSE"
    if inverse or header.get("PhotometricInterpretation") == "MONOCHROME1":
        shown = 1 - shown
    return np.asarray(np.rint(shown * 255), np.uint8)


def _groups(header: Dataset, index: int) -> Iterator[Dataset]:
    """Where attributes of a frame stand: its own functional groups, the shared ones, the image itself."""
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    shared = header.get("SharedFunctionalGroupsSequence") or []
    for items in (per_frame[index : index + 1], shared[:1]):
        for item in items:
            for name in ("FrameVOILUTSequence", "PixelValueTransformationSequence"):
                yield from (item.get(name) or [])[:1]
    yield header


def _measured(values: Array, groups: list[Dataset]) -> Array:
    """Stored values as what they measure."""
    for group in groups:
        if "ModalityLUTSequence" in group or "RescaleSlope" in group:
            return np.asarray(apply_modality_lut(values, group), np.float64)
    return values.astype(np.float64)


def _shown(seen: Array, stored: Array, groups: list[Dataset], window: Window | None) -> Array:
    for group in groups if window is None else ():
        if group.get("VOILUTSequence"):
            return _by_table(seen, group)
        window = window or _own_window(group)
    return (window or _range(seen, stored, groups[-1])).applied(seen)


def _by_table(seen: Array, group: Dataset) -> Array:
    bits = int(group.VOILUTSequence[0].LUTDescriptor[2])
    return np.asarray(np.clip(apply_voi(seen.astype(np.int64), group) / (2**bits - 1), 0, 1))


def _own_window(group: Dataset) -> Window | None:
    center, width = _first(group.get("WindowCenter")), _first(group.get("WindowWidth"))
    if center is None or width is None or float(width) <= 0:
        return None
    return Window(float(center), float(width), str(group.get("VOILUTFunction") or "linear").lower())


def _first(value: Any) -> Any:
    if isinstance(value, MultiValue):
        return value[0] if value else None
    return value if value != "" else None


def _range(seen: Array, stored: Array, header: Dataset) -> Window:
    """From the darkest to the brightest pixel that isn't padding."""
    padding = header.get("PixelPaddingValue")
    meant = seen[stored != padding] if padding is not None else seen
    meant = meant[np.isfinite(meant)]
    if not meant.size:
        return Window(0, 1, "linear_exact")
    low, high = float(meant.min()), float(meant.max())
    return Window((low + high) / 2, max(high - low, 1e-6), "linear_exact")
