"""DICOMweb requests as what admits, counts and records FHIR requests knows them."""

from __future__ import annotations

from starlette.requests import Request

from fhir_facade.content import Request as FhirRequest

PREFIX = "/api/dicom-web"


def asking(request: Request) -> FhirRequest:
    """The request; without a body, which is no resource."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return FhirRequest(
        request.method,
        raw.partition(b"?")[0].decode("latin-1").removeprefix(PREFIX),
        request.scope["query_string"].decode("latin-1"),
        dict(request.headers),
        request.state.request_id,
        address=request.client.host if request.client else "",
    )
