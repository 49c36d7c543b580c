"""Which media type a search is answered in. https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.7.4"""

from __future__ import annotations

from starlette.requests import Request

from dicomweb.http.acceptable import MULTIPART, Acceptable, acceptable, not_acceptable
from dicomweb.http.native_model import XML

DICOM_JSON, JSON = "application/dicom+json", "application/json"
ANY = {"*/*": DICOM_JSON, "application/*": DICOM_JSON, DICOM_JSON: DICOM_JSON, JSON: JSON}


def accepted(request: Request) -> str:
    """The best of the media types that are accepted; raises DicomFault 400, 406."""
    for one in acceptable(request):
        if found := _answered_in(one):
            return found
    raise not_acceptable(f'{DICOM_JSON}, and {MULTIPART}; type="{XML}"')


def _answered_in(one: Acceptable) -> str | None:
    """What a media range is answered in: XML comes in parts, one a result."""
    if one.multipart:
        return XML if one.part == XML else None
    return ANY.get(one.media)
