"""Communication. https://hl7.org/fhir/R4/communication.html"""

from __future__ import annotations

from mappers.cdss.notification import NOTIFICATION
from mappers.mapping import ResourceMapping, SearchParam

COMMUNICATION = ResourceMapping(
    "Communication",
    parts=(NOTIFICATION,),
    search_params=(
        SearchParam("category", "category", "CRITICAL_LAB"),
        SearchParam("patient", "subject", "Patient/P-2025-000001"),
        SearchParam("received", "received", "ge2025-01-01"),
        SearchParam("recipient", "recipient", "Practitioner/user-2"),
        SearchParam("sent", "sent", "ge2025-01-01"),
        SearchParam("status", "status", "completed"),
        SearchParam("subject", "subject", "Patient/P-2025-000001"),
    ),
    narrative=("topic", "category", "sent", "status"),
)
