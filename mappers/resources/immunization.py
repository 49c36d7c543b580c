"""Immunization. https://hl7.org/fhir/R4/immunization.html"""

from __future__ import annotations

from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.immunizations import IMMUNIZATION_ROW

IMMUNIZATION = ResourceMapping(
    "Immunization",
    parts=(IMMUNIZATION_ROW,),
    search_params=(
        SearchParam("date", "occurrence[x]", "gt2019-01-01"),
        SearchParam("identifier", "identifier", "urn:ietf:rfc:3986|"),
        SearchParam("lot-number", "lotNumber", "FL19"),
        SearchParam("patient", "patient", "Patient/P-2025-000001"),
        SearchParam("performer", "performer.actor", "Practitioner/oe-user-4"),
        SearchParam("reason-code", "reasonCode"),
        SearchParam("status", "status", "not-done"),
        SearchParam("status-reason", "statusReason", "PATOBJ"),
        SearchParam("vaccine-code", "vaccineCode", "http://hl7.org/fhir/sid/cvx|150"),
    ),
    narrative=("vaccineCode", "occurrence[x]", "status", "lotNumber"),
)
