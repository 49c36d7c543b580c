"""Which media type a search is answered in. https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.7.4"""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

from dicomweb.http.faults import DicomFault

DICOM_JSON, JSON, XML = "application/dicom+json", "application/json", "application/dicom+xml"
ANY = {"*/*": DICOM_JSON, "application/*": DICOM_JSON, DICOM_JSON: DICOM_JSON, JSON: JSON}


def accepted(request: Request) -> str:
    """The best of the media types that are accepted, the parameter `accept` before the header; raises 406."""
    query = request.scope["query_string"].decode("latin-1")
    asked = [v for n, v in parse_qsl(query) if n == "accept"] or [request.headers.get("accept") or "*/*"]
    offers = sorted(_offers(",".join(asked)))
    if not offers:
        text = f'searches are answered in {DICOM_JSON}, and in multipart/related; type="{XML}"'
        raise DicomFault(406, text)
    return offers[0][2]


def _offers(accept: str) -> list[tuple[float, int, str]]:
    found = []
    for place, item in enumerate(accept.split(",")):
        media, *parameters = (part.strip().lower() for part in item.split(";"))
        quality, type_ = _quality(parameters), _type_of(media, parameters)
        if type_ and quality > 0:
            found.append((-quality, place, type_))
    return found


def _type_of(media: str, parameters: list[str]) -> str | None:
    """What a media range is answered in: XML comes in parts, one a result."""
    if media == "multipart/related":
        stated = {p.partition("=")[2].strip('"') for p in parameters if p.startswith("type=")}
        return XML if XML in stated else None
    return ANY.get(media)


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
