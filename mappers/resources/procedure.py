"""Procedure. https://hl7.org/fhir/R4/procedure.html"""

from __future__ import annotations

from mappers.cdss.procedures import COMPLETED_PROCEDURE
from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.procedures import ORDERED_PROCEDURE, SURGERY

PROCEDURE = ResourceMapping(
    "Procedure",
    parts=(COMPLETED_PROCEDURE, SURGERY, ORDERED_PROCEDURE),
    search_params=(
        SearchParam("based-on", "basedOn", "ServiceRequest/O-2025-000003"),
        SearchParam("category", "category", "http://snomed.info/sct|363679005"),
        SearchParam("code", "code", "http://snomed.info/sct|45595009"),
        SearchParam("date", "performed[x]", "ge2023-06-05"),
        SearchParam("encounter", "encounter", "Encounter/E-2025-000002"),
        SearchParam("identifier", "identifier", "urn:ietf:rfc:3986|"),
        SearchParam("patient", "subject", "Patient/P-2025-000001"),
        SearchParam("performer", "performer.actor", "Organization/oe-lab-2"),
        SearchParam("reason-code", "reasonCode", "K80.20"),
        SearchParam("status", "status", "completed"),
        SearchParam("subject", "subject", "Patient/P-2025-000001"),
    ),
    narrative=("code", "performed[x]", "status"),
)
