"""Device. https://hl7.org/fhir/R4/device.html"""

from __future__ import annotations

from mappers.cdss.ai_jobs import AI_MODEL
from mappers.mapping import ResourceMapping, SearchParam

DEVICE = ResourceMapping(
    "Device",
    parts=(AI_MODEL,),
    search_params=(
        SearchParam("device-name", ("deviceName.name", "type"), "BrainTumorNet"),
        SearchParam("manufacturer", "manufacturer", "NeuroNova"),
        SearchParam("status", "status", "active"),
        SearchParam("type", "type", "tumor_detection"),
    ),
    narrative=("deviceName", "type", "version", "status"),
)
