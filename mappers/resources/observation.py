"""Observation. https://hl7.org/fhir/R4/observation.html"""

from __future__ import annotations

from mappers.cdss.ai import AI_FINDINGS
from mappers.cdss.blood_type import BLOOD_TYPE
from mappers.cdss.laboratory import LAB_RESULT
from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.procedure_result import PROCEDURE_RESULT
from mappers.openemr.smoking import SMOKING_STATUS
from mappers.openemr.vital_signs import VITAL_SIGNS

OBSERVATION = ResourceMapping(
    "Observation",
    parts=(LAB_RESULT, *VITAL_SIGNS, PROCEDURE_RESULT, SMOKING_STATUS, BLOOD_TYPE, *AI_FINDINGS),
    search_params=(
        SearchParam("based-on", "basedOn", "ServiceRequest/O-2025-002001"),
        SearchParam("category", "category", "laboratory"),
        SearchParam("code", "code", "http://loinc.org|718-7"),
        SearchParam(
            "code-value-concept",
            "$this",
            "72166-2$http://snomed.info/sct|8517006",
            components=(("code", "code"), ("value-concept", "value[x]")),
        ),
        SearchParam(
            "code-value-string",
            "$this",
            "5196-1$Neg",
            components=(("code", "code"), ("value-string", "value[x]")),
        ),
        SearchParam("combo-code", ("code", "component.code"), "8480-6"),
        SearchParam(
            "combo-code-value-quantity",
            ("$this", "component"),
            "8480-6$gt100",
            components=(("combo-code", "code"), ("combo-value-quantity", "value[x]")),
        ),
        SearchParam(
            "combo-data-absent-reason", ("dataAbsentReason", "component.dataAbsentReason"), "not-performed"
        ),
        SearchParam("combo-value-quantity", ("value[x]", "component.value[x]"), "gt100"),
        SearchParam("component-data-absent-reason", "component.dataAbsentReason"),
        SearchParam("data-absent-reason", "dataAbsentReason", "not-performed"),
        SearchParam("date", "effective[x]", "gt2025-01-01"),
        SearchParam("derived-from", "derivedFrom", "ImagingStudy/ST-2025-000001"),
        SearchParam("device", "device", "Device/ai-model-1"),
        SearchParam("encounter", "encounter", "Encounter/E-2025-000001"),
        SearchParam("identifier", "identifier", "urn:ietf:rfc:3986|"),
        SearchParam(
            "issued",
            "issued",
            "gt2025-01-01",
            type="date",
            expression="Observation.issued",
            description="When the value was made available, verified or not (KR Core)",
        ),
        SearchParam("patient", "subject", "Patient/P-2025-000001"),
        SearchParam("performer", "performer", "Practitioner/user-8"),
        SearchParam("specimen", "specimen", "Specimen/S-2025-002001"),
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
