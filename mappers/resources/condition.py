"""Condition. https://hl7.org/fhir/R4/condition.html"""

from __future__ import annotations

from mappers.cdss.condition import DIAGNOSIS
from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.issues import PROBLEM

CONDITION = ResourceMapping(
    "Condition",
    parts=(DIAGNOSIS, PROBLEM),
    search_params=(
        SearchParam("abatement-date", "abatement[x]", "ge2021"),
        SearchParam("category", "category", "encounter-diagnosis"),
        SearchParam("clinical-status", "clinicalStatus", "active"),
        SearchParam("code", "code", "http://hl7.org/fhir/sid/icd-10|I10"),
        SearchParam("encounter", "encounter", "Encounter/E-2025-000001"),
        SearchParam("identifier", "identifier", "urn:uuid:0102586c-9d95-5bc9-8d2f-3b198bf6e983"),
        SearchParam("onset-date", "onset[x]", "lt2015"),
        SearchParam("patient", "subject", "Patient/P-2025-000001"),
        SearchParam("recorded-date", "recordedDate", "2025-01-06"),
        SearchParam("subject", "subject", "Patient/P-2025-000001"),
        SearchParam("verification-status", "verificationStatus", "confirmed"),
    ),
    narrative=("code", "clinicalStatus", "verificationStatus", "onset[x]", "abatement[x]"),
)
