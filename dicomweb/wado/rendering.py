"""Frames as pictures. https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.3.5"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from PIL import Image
from pydicom.pixels.processing import apply_color_lut

from dicomweb.http.faults import DicomFault
from dicomweb.wado.part10 import Part10, broken
from dicomweb.wado.pixels import decoded
from dicomweb.wado.windowing import Array, Window, grey

#: the larger side of a thumbnail, and what a viewport may have
THUMBNAIL, LARGEST = 128, 4096
#: what pictures are written as, the default first: as PS3.18 8.7.4 names them. A GIF has 256 colours
FORMATS: Mapping[str, tuple[str, Mapping[str, int]]] = {
    "image/jpeg": ("JPEG", {}),
    "image/png": ("PNG", {"compress_level": 3}),
    "image/gif": ("GIF", {}),
    "image/jp2": ("JPEG2000", {}),
}
_FUNCTIONS = {"linear": "linear", "linear-exact": "linear_exact", "sigmoid": "sigmoid"}


class Viewport(NamedTuple):
    """The picture's size, and the part of the image that it shows; negative sizes mirror."""

    width: int
    height: int
    left: float = 0
    top: float = 0
    across: float = 0
    down: float = 0


class Look(NamedTuple):
    """How a frame is shown."""

    window: Window | None = None
    viewport: Viewport | None = None
    quality: int = 90
    media: str = "image/jpeg"


def look_of(parameters: Mapping[str, str], media: str) -> Look:
    """What a request's parameters say; raises DicomFault 400. What isn't known here is ignored."""
    window = _window(parameters["window"]) if "window" in parameters else None
    viewport = _viewport(parameters["viewport"]) if "viewport" in parameters else None
    quality = _numbers("quality", parameters.get("quality", "90"), 1, 1)[0]
    if not 1 <= quality <= 100:
        raise DicomFault(400, "quality is a number from 1 to 100")
    return Look(window, viewport, int(quality), media)


def thumbnail_of(parameters: Mapping[str, str], media: str) -> Look:
    """How a thumbnail is shown: small, or through a request's viewport; raises DicomFault 400."""
    stated = parameters.get("viewport", "")
    return Look(viewport=_viewport(stated) if stated else Viewport(THUMBNAIL, THUMBNAIL), media=media)


def _window(text: str) -> Window:
    stated = text.split(",")
    function = _FUNCTIONS.get(stated[2].strip().lower(), "") if len(stated) == 3 else "linear"
    center, width = _numbers("window", ",".join(stated[:2]), 2, 2)
    if not function or len(stated) > 3 or width < (1 if function == "linear" else 1e-9):
        raise DicomFault(
            400, "window is center,width,function: linear (width 1 or more), linear-exact or sigmoid"
        )
    return Window(center, width, function)


def _viewport(text: str) -> Viewport:
    numbers = _numbers("viewport", text, 2, 6, missing="0")
    width, height = (int(n) for n in numbers[:2])
    if not (1 <= width <= LARGEST and 1 <= height <= LARGEST):
        raise DicomFault(400, f"a viewport's sides have 1 to {LARGEST} pixels")
    return Viewport(width, height, *numbers[2:])


def _numbers(name: str, text: str, least: int, most: int, missing: str = "") -> list[float]:
    stated = text.split(",")
    try:
        found = [float(part or missing) for part in stated]
    except ValueError:
        found = []
    if not least <= len(found) <= most or not all(math.isfinite(n) for n in found):
        raise DicomFault(400, f"{name} is {least} numbers" + (f", or up to {most}" if most > least else ""))
    return found


def rendered(opened: Part10, index: int, look: Look) -> bytes:
    """A frame (from 0) as a file of one of the formats; raises UnsuitableError and UnreadableError."""
    picture = _picture(opened, index, look)
    if look.viewport:
        picture = _seen_through(picture, look.viewport)
    out = io.BytesIO()
    written, options = FORMATS[look.media]
    picture.save(out, written, quality=look.quality, **options)
    return out.getvalue()


def _picture(opened: Part10, index: int, look: Look) -> Image.Image:
    pixels, photometric = decoded(opened, index, as_rgb=True)
    if photometric == "PALETTE COLOR":
        with broken("has a palette that can't be applied"):
            pixels = apply_color_lut(pixels, opened.header)
        return Image.fromarray(_in_bytes(pixels, int(opened.header.RedPaletteColorLookupTableDescriptor[2])))
    if pixels.ndim == 3:
        return Image.fromarray(_in_bytes(pixels[..., :3], int(opened.header.get("BitsStored") or 8)))
    return Image.fromarray(grey(pixels, opened.header, index, look.window))


def _in_bytes(pixels: Array, bits: int) -> Array:
    """Colours of more than 8 bits, as 8."""
    if pixels.dtype.itemsize == 1:
        return np.ascontiguousarray(pixels)
    return np.asarray(pixels.astype(np.float64) * 255 / (2**bits - 1) + 0.5).clip(0, 255).astype(np.uint8)


def _seen_through(picture: Image.Image, port: Viewport) -> Image.Image:
    """The part that is asked for, as large as fits into the viewport."""
    across = port.across or picture.width - port.left
    down = port.down or picture.height - port.top
    box = (port.left, port.top, port.left + abs(across), port.top + abs(down))
    if abs(across) < 1 or abs(down) < 1 or min(box) < 0 or box[2] > picture.width or box[3] > picture.height:
        raise DicomFault(400, f"the viewport lies outside of the image ({picture.width} × {picture.height})")
    scale = min(port.width / abs(across), port.height / abs(down))
    size = (max(round(abs(across) * scale), 1), max(round(abs(down) * scale), 1))
    shown = picture.resize(size, Image.Resampling.BILINEAR, box, reducing_gap=2.0)
    return _mirrored(shown, across < 0, down < 0)


def _mirrored(picture: Image.Image, across: bool, down: bool) -> Image.Image:
    if across:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if down else picture
