"""ServiceRequest. https://hl7.org/fhir/R4/servicerequest.html"""

from __future__ import annotations

from mappers.cdss.orders import SERVICE_ORDER
from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.procedure_order import PROCEDURE_ORDER

SERVICE_REQUEST = ResourceMapping(
    "ServiceRequest",
    parts=(SERVICE_ORDER, PROCEDURE_ORDER),
    search_params=(
        SearchParam("authored", "authoredOn", "gt2025-01-01"),
        SearchParam("body-site", "bodySite", "http://snomed.info/sct|12738006"),
        SearchParam("category", "category", "http://snomed.info/sct|108252007"),
        SearchParam("code", "code", "http://loinc.org|2160-0"),
        SearchParam("encounter", "encounter", "Encounter/E-2025-000001"),
        SearchParam("identifier", "identifier", "O-2025-000001"),
        SearchParam("intent", "intent", "order"),
        SearchParam("occurrence", "occurrence[x]", "gt2025-01-01"),
        SearchParam(
            "order-detail",
            "orderDetail",
            "http://loinc.org|3016-3",
            type="token",
            expression="ServiceRequest.orderDetail",
            description="One of several things that are ordered together (what is ordered alone is the code)",
        ),
        SearchParam("patient", "subject", "Patient/P-2025-000001"),
        SearchParam("priority", "priority", "urgent"),
        SearchParam("requester", "requester", "Practitioner/user-2"),
        SearchParam("specimen", "specimen", "Specimen/S-2025-002001"),
        SearchParam("status", "status", "active"),
        SearchParam("subject", "subject", "Patient/P-2025-000001"),
    ),
    narrative=("code", "status", "category", "authoredOn"),
)
