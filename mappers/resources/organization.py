"""Organization. https://hl7.org/fhir/R4/organization.html"""

from __future__ import annotations

from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.organizations import COMPANY, FACILITY, INSURANCE_COMPANY, LABORATORY

ORGANIZATION = ResourceMapping(
    "Organization",
    parts=(FACILITY, INSURANCE_COMPANY, LABORATORY, COMPANY),
    search_params=(
        SearchParam("active", "active", "true"),
        SearchParam("address", "address", "세종대로"),
        SearchParam("address-city", "address.city", "서울"),
        SearchParam("address-country", "address.country", "KR"),
        SearchParam("address-postalcode", "address.postalCode", "03172"),
        SearchParam("address-state", "address.state", "강원"),
        SearchParam("address-use", "address.use", "work"),
        SearchParam("identifier", "identifier", "http://hl7.org/fhir/sid/us-npi|1234567893"),
        SearchParam("name", "name", "서울중앙병원"),
        SearchParam(
            "telecom",
            "telecom",
            "02-0000-1000",
            type="token",
            expression="Organization.telecom",
            description="A telephone number, e-mail address … of the organization (KR Core)",
        ),
        SearchParam("type", "type", "ins"),
    ),
    narrative=("name", "type", "telecom", "address"),
)
