"""DiagnosticReport. https://hl7.org/fhir/R4/diagnosticreport.html"""

from __future__ import annotations

from mappers.cdss.ai_jobs import AI_REPORT
from mappers.cdss.laboratory_report import LABORATORY_REPORT
from mappers.cdss.radiology_report import RADIOLOGY_REPORT
from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.clinical_notes import NOTE_REPORT
from mappers.openemr.procedure_report import PROCEDURE_REPORT

DIAGNOSTIC_REPORT = ResourceMapping(
    "DiagnosticReport",
    parts=(RADIOLOGY_REPORT, LABORATORY_REPORT, AI_REPORT, NOTE_REPORT, PROCEDURE_REPORT),
    search_params=(
        SearchParam("based-on", "basedOn", "ServiceRequest/O-2025-000001"),
        SearchParam("category", "category", "RAD"),
        SearchParam("code", "code", "http://loinc.org|18748-4"),
        SearchParam("date", "effective[x]", "ge2025-01-01"),
        SearchParam("encounter", "encounter", "Encounter/E-2025-000001"),
        SearchParam("identifier", "identifier", "urn:ietf:rfc:3986|"),
        SearchParam("issued", "issued", "ge2025-01-01"),
        SearchParam("patient", "subject", "Patient/P-2025-000001"),
        SearchParam("performer", "performer", "Practitioner/user-6"),
        SearchParam("result", "result", "Observation/ai-1.tumor-detected"),
        SearchParam("results-interpreter", "resultsInterpreter", "Practitioner/user-6"),
        SearchParam("specimen", "specimen", "Specimen/S-2025-002001"),
        SearchParam("status", "status", "final"),
        SearchParam(
            "study",
            "imagingStudy",
            "ImagingStudy/ST-2025-000001",
            type="reference",
            target=("ImagingStudy",),
            expression="DiagnosticReport.imagingStudy",
            description="The study that the report is about (KR Core).",
        ),
        SearchParam("subject", "subject", "Patient/P-2025-000001"),
    ),
    narrative=("code", "conclusion", "effective[x]", "status"),
)
