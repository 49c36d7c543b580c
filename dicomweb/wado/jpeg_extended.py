"""A decoder of 12-bit JPEG (Process 2 and 4) for pydicom: GDCM reads it, but pydicom's plug-in refuses it."""

from __future__ import annotations

from typing import Any

import gdcm
from pydicom.pixels.decoders.base import DecodeRunner, JPEGExtended12BitDecoder
from pydicom.uid import JPEGExtended12Bit

DECODER_DEPENDENCIES = {JPEGExtended12Bit: ("gdcm>=3.0.10",)}
_NAME = "gdcm-12-bit"


def is_available(uid: str) -> bool:
    """Whether frames of a transfer syntax are decoded here."""
    return uid in DECODER_DEPENDENCIES


def register() -> None:
    """Makes pydicom use it, beside its own."""
    if _NAME not in JPEGExtended12BitDecoder.available_plugins:
        JPEGExtended12BitDecoder.add_plugin(_NAME, (__name__, "decode_frame"))


def decode_frame(frame: bytes, runner: DecodeRunner) -> bytes:
    """The frame's pixels as native bytes; raises what pydicom takes for "another decoder may do"."""
    if runner.bits_stored <= 8 or runner.samples_per_pixel != 1:
        raise NotImplementedError("only monochrome frames of 9 to 12 bits are read here")
    image = _image(frame, runner)
    pixels: bytes = image.GetBuffer().encode("utf-8", "surrogateescape")
    return pixels


def _image(frame: bytes, runner: DecodeRunner) -> Any:
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((runner.columns, runner.rows, 1))
    image.SetDataElement(_element(frame))
    named = gdcm.PhotometricInterpretation.GetPIType(str(runner.photometric_interpretation))
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(named))
    syntax = gdcm.TransferSyntax.GetTSType(str.__str__(runner.transfer_syntax))
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    stored = runner.bits_stored
    image.SetPixelFormat(
        gdcm.PixelFormat(1, runner.bits_allocated, stored, stored - 1, runner.pixel_representation)
    )
    return image


def _element(frame: bytes) -> Any:
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    return element
