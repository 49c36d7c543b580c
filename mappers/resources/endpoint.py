"""Endpoint. https://hl7.org/fhir/R4/endpoint.html"""

from __future__ import annotations

from mappers.cdss.imaging import DICOMWEB_ENDPOINT
from mappers.mapping import ResourceMapping, SearchParam

ENDPOINT = ResourceMapping(
    "Endpoint",
    parts=(DICOMWEB_ENDPOINT,),
    search_params=(
        SearchParam("connection-type", "connectionType", "dicom-wado-rs"),
        SearchParam("name", "name", "DICOMweb"),
        SearchParam("payload-type", "payloadType", "any"),
        SearchParam("status", "status", "active"),
    ),
    narrative=("name", "address", "status"),
)
