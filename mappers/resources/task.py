"""Task. https://hl7.org/fhir/R4/task.html"""

from __future__ import annotations

from mappers.cdss.ai_jobs import AI_TASK
from mappers.mapping import ResourceMapping, SearchParam

TASK = ResourceMapping(
    "Task",
    parts=(AI_TASK,),
    search_params=(
        SearchParam("authored-on", "authoredOn", "ge2025-01-01"),
        SearchParam("business-status", "businessStatus", "confirmed"),
        SearchParam("code", "code", "tumor_detection"),
        SearchParam("encounter", "encounter", "Encounter/E-2025-000001"),
        SearchParam("focus", "focus", "ImagingStudy/ST-2025-000001"),
        SearchParam("identifier", "identifier", "6d0f3c0e-0001-4000-8000-000000000001"),
        SearchParam("intent", "intent", "order"),
        SearchParam("modified", "lastModified", "ge2025-01-01"),
        SearchParam("owner", "owner", "Device/ai-model-1"),
        SearchParam("patient", "for", "Patient/P-2025-000001"),
        SearchParam("period", "executionPeriod", "ge2025-01-01"),
        SearchParam("requester", "requester", "Practitioner/user-6"),
        SearchParam("status", "status", "completed"),
        SearchParam("subject", "for", "Patient/P-2025-000001"),
    ),
    narrative=("code", "status", "businessStatus", "authoredOn"),
)
