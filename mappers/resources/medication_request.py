"""MedicationRequest. https://hl7.org/fhir/R4/medicationrequest.html"""

from __future__ import annotations

from mappers.cdss.prescriptions import PRESCRIPTION_LINE, PRESCRIPTION_WITHOUT_LINES
from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.prescriptions import LISTED_MEDICATION, PRESCRIPTION

MEDICATION_REQUEST = ResourceMapping(
    "MedicationRequest",
    parts=(PRESCRIPTION_LINE, PRESCRIPTION_WITHOUT_LINES, PRESCRIPTION, LISTED_MEDICATION),
    search_params=(
        SearchParam("authoredon", "authoredOn", "gt2025-01-01"),
        SearchParam("category", "category", "community"),
        SearchParam("code", "medication[x]", "http://www.whocc.no/atc|A10BA02"),
        SearchParam("encounter", "encounter", "Encounter/E-2025-000003"),
        SearchParam("identifier", "identifier", "urn:ietf:rfc:3986|"),
        SearchParam(
            "ingredient-code",
            "medication[x].extension.value[x]",
            "http://www.whocc.no/atc|A10BA02",
            type="token",
            expression="MedicationRequest.medication.extension('http://www.hl7korea.or.kr/fhir/krcore/StructureDefinition/krcore-medicationIngredient').value",
            description="The active ingredient of a drug that is given by its codes (KR Core)",
        ),
        SearchParam("intent", "intent", "order"),
        SearchParam("medication", "medication[x]", "Medication/oe-drug-1"),
        SearchParam("patient", "subject", "Patient/P-2025-000001"),
        SearchParam("priority", "priority", "stat"),
        SearchParam("requester", "requester", "Practitioner/user-2"),
        SearchParam("status", "status", "active"),
        SearchParam("subject", "subject", "Patient/P-2025-000001"),
    ),
    narrative=("medication[x]", "dosageInstruction", "status", "authoredOn"),
)
