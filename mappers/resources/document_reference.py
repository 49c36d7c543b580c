"""DocumentReference. https://hl7.org/fhir/R4/documentreference.html"""

from __future__ import annotations

from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.clinical_notes import NOTE_DOCUMENT
from mappers.openemr.documents import DOCUMENT

DOCUMENT_REFERENCE = ResourceMapping(
    "DocumentReference",
    parts=(DOCUMENT, NOTE_DOCUMENT),
    search_params=(
        SearchParam("author", "author", "Practitioner/oe-user-2"),
        SearchParam("category", "category", "http://loinc.org|11526-1"),
        SearchParam("contenttype", "content.attachment.contentType", "application/pdf"),
        SearchParam("date", "date", "ge2018-01-01"),
        SearchParam("description", "description", "idcard"),
        SearchParam("encounter", "context.encounter", "Encounter/E-2025-000001"),
        SearchParam("identifier", "identifier", "5401"),
        SearchParam("location", "content.attachment.url", "https://education.example/diabetes"),
        SearchParam("patient", "subject", "Patient/P-2025-000001"),
        SearchParam("period", "context.period", "ge2025-01-06"),
        SearchParam("related", "context.related", "Condition/oe-cond-2"),
        SearchParam("status", "status", "current"),
        SearchParam("subject", "subject", "Patient/P-2025-000001"),
        SearchParam("type", "type", "http://loinc.org|11506-3"),
    ),
    narrative=("description", "type", "date", "status"),
)
