"""PractitionerRole. https://hl7.org/fhir/R4/practitionerrole.html"""

from __future__ import annotations

from mappers.cdss.staff import CDSS_ROLE
from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.staff import FACILITY_ROLE, USER_ROLE

PRACTITIONER_ROLE = ResourceMapping(
    "PractitionerRole",
    parts=(CDSS_ROLE, FACILITY_ROLE, USER_ROLE),
    search_params=(
        SearchParam("active", "active", "true"),
        SearchParam("email", "telecom.where(system='email')", "doctor@hospital.example"),
        SearchParam("identifier", "identifier", "SCH-2"),
        SearchParam("location", "location", "Location/oe-fac-3"),
        SearchParam("organization", "organization", "Organization/oe-fac-3"),
        SearchParam("phone", "telecom.where(system='phone')", "02-0000-1002"),
        SearchParam("practitioner", "practitioner", "Practitioner/user-2"),
        SearchParam("role", "code", "http://terminology.hl7.org/CodeSystem/practitioner-role|doctor"),
        SearchParam("specialty", "specialty", "06"),
        SearchParam("telecom", "telecom", "02-0000-1002"),
    ),
    narrative=("practitioner", "code", "specialty", "organization"),
)
