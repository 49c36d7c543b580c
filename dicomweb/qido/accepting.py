"""Which media type a search is answered in. https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.7.4"""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from dicomweb.http.faults import DicomFault

DICOM_JSON, JSON = "application/dicom+json", "application/json"
ANY = {"*/*": DICOM_JSON, "application/*": DICOM_JSON, DICOM_JSON: DICOM_JSON, JSON: JSON}


def accepted(request: Request) -> str:
    """The best of the media types that are accepted, the parameter `accept` before the header; raises 406."""
    query = request.scope["query_string"].decode("latin-1")
    asked = [v for n, v in parse_qsl(query) if n == "accept"] or [request.headers.get("accept") or "*/*"]
    offers = sorted(_offers(",".join(asked)))
    if not offers:
        raise DicomFault(406, f"searches are answered in {DICOM_JSON}")
    return offers[0][2]


def _offers(accept: str) -> list[tuple[float, int, str]]:
    found = []
    for place, item in enumerate(accept.split(",")):
        media, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = _quality(parameters)
        if media in ANY and quality > 0:
            found.append((-quality, place, ANY[media]))
    return found


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
