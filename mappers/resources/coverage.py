"""Coverage. https://hl7.org/fhir/R4/coverage.html"""

from __future__ import annotations

from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.coverage import COVERAGE as POLICY

COVERAGE = ResourceMapping(
    "Coverage",
    parts=(POLICY,),
    search_params=(
        SearchParam("beneficiary", "beneficiary", "Patient/P-2025-000001"),
        SearchParam("class-type", "class.type", "plan"),
        SearchParam("class-value", "class.value", "실손"),
        SearchParam("identifier", "identifier", "urn:uuid:783b665a-c5a0-5e16-a11c-89b595895727"),
        SearchParam("patient", "beneficiary", "Patient/P-2025-000001"),
        SearchParam("payor", "payor", "Organization/oe-ins-5201"),
        SearchParam("status", "status", "active"),
        SearchParam("subscriber", "subscriber", "Patient/P-2025-000001"),
    ),
    narrative=("payor", "subscriberId", "relationship", "period"),
)
