"""Encounter. https://hl7.org/fhir/R4/encounter.html"""

from __future__ import annotations

from mappers.cdss.encounter import CDSS_ENCOUNTER
from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.encounter import OPENEMR_ENCOUNTER

ENCOUNTER = ResourceMapping(
    "Encounter",
    parts=(CDSS_ENCOUNTER, OPENEMR_ENCOUNTER),
    search_params=(
        SearchParam("class", "class", "AMB"),
        SearchParam("date", "period", "ge2025-01-01"),
        SearchParam("diagnosis", "diagnosis.condition", "Condition/diag-1"),
        SearchParam("identifier", "identifier", "E-2025-000001"),
        SearchParam("location", "location.location", "Location/oe-fac-3"),
        SearchParam("part-of", "partOf", "Encounter/oe-enc-105"),
        SearchParam("participant", "participant.individual", "Practitioner/user-2"),
        SearchParam("participant-type", "participant.type", "ATND"),
        SearchParam("patient", "subject", "Patient/P-2025-000001"),
        SearchParam("practitioner", "participant.individual", "Practitioner/user-2"),
        SearchParam("service-provider", "serviceProvider", "Organization/oe-fac-3"),
        SearchParam("status", "status", "finished"),
        SearchParam("subject", "subject", "Patient/P-2025-000001"),
        SearchParam("type", "type", "OPD"),
    ),
    narrative=("class", "serviceType", "period", "status", "reasonCode"),
)
