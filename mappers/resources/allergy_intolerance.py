"""AllergyIntolerance. https://hl7.org/fhir/R4/allergyintolerance.html"""

from __future__ import annotations

from mappers.cdss.allergy import CDSS_ALLERGY
from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.issues import ALLERGY

ALLERGY_INTOLERANCE = ResourceMapping(
    "AllergyIntolerance",
    parts=(CDSS_ALLERGY, ALLERGY),
    search_params=(
        SearchParam("category", "category", "medication"),
        SearchParam("clinical-status", "clinicalStatus", "active"),
        SearchParam("code", "code", "http://www.whocc.no/atc|J01CE01"),
        SearchParam("criticality", "criticality", "high"),
        SearchParam("date", "recordedDate", "2025-01-06"),
        SearchParam("identifier", "identifier", "urn:uuid:2eda0e5f-830d-57fb-ac4d-52386bc6310b"),
        SearchParam("manifestation", "reaction.manifestation", "http://snomed.info/sct|247472004"),
        SearchParam(
            "onset-date",
            "onset[x]",
            "1995",
            type="date",
            expression="AllergyIntolerance.onset.as(dateTime)",
            description="When the allergy began (the standard's `onset` is that of a reaction)",
        ),
        SearchParam("patient", "patient", "Patient/P-2025-000001"),
        SearchParam("recorder", "recorder", "Practitioner/oe-user-2"),
        SearchParam("severity", "reaction.severity", "severe"),
        SearchParam("verification-status", "verificationStatus", "confirmed"),
    ),
    narrative=("code", "clinicalStatus", "criticality", "reaction"),
)
