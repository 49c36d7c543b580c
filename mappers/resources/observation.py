"""Observation. https://hl7.org/fhir/R4/observation.html"""

from __future__ import annotations

from mappers.cdss.ai import AI_FINDINGS
from mappers.cdss.laboratory import LAB_RESULT
from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.vital_signs import VITAL_SIGNS

OBSERVATION = ResourceMapping(
    "Observation",
    parts=(LAB_RESULT, *VITAL_SIGNS, *AI_FINDINGS),
    search_params=(
        SearchParam("based-on", "basedOn", "ServiceRequest/O-2025-000001"),
        SearchParam("category", "category", "laboratory"),
        SearchParam("code", "code", "http://loinc.org|718-7"),
        SearchParam("date", "effective[x]", "gt2025-01-01"),
        SearchParam("derived-from", "derivedFrom", "ImagingStudy/ST-2025-000001"),
        SearchParam("device", "device", "Device/ai-model-1"),
        SearchParam("encounter", "encounter"),
        SearchParam("patient", "subject", "Patient/P-2025-000001"),
        SearchParam("performer", "performer"),
        SearchParam("specimen", "specimen"),
        SearchParam("status", "status", "final"),
        SearchParam("subject", "subject", "Patient/P-2025-000001"),
        SearchParam("value-concept", "value[x]", "DET"),
        SearchParam("value-quantity", "value[x]", "gt100"),
        SearchParam("value-string", "value[x]", "Neg"),
        SearchParam(
            "code-value-quantity",
            "$this",
            "718-7$gt10",
            components=(("code", "code"), ("value-quantity", "value[x]")),
        ),
        SearchParam("component-code", "component.code", "8480-6"),
        SearchParam("component-value-quantity", "component.value[x]", "gt100"),
        SearchParam(
            "component-code-value-quantity",
            "component",
            "8480-6$gt100",
            components=(("component-code", "code"), ("component-value-quantity", "value[x]")),
        ),
    ),
    narrative=("code", "value[x]", "interpretation", "effective[x]", "status"),
)
