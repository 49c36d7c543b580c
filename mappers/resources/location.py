"""Location. https://hl7.org/fhir/R4/location.html"""

from __future__ import annotations

from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.organizations import LOCATION as FACILITY_LOCATION

LOCATION = ResourceMapping(
    "Location",
    parts=(FACILITY_LOCATION,),
    search_params=(
        SearchParam("address", "address", "세종대로"),
        SearchParam("address-city", "address.city", "서울"),
        SearchParam("address-country", "address.country", "KR"),
        SearchParam("address-postalcode", "address.postalCode", "03172"),
        SearchParam("address-state", "address.state", "경기"),
        SearchParam("address-use", "address.use", "work"),
        SearchParam("identifier", "identifier", "SCH"),
        SearchParam("name", "name", "서울중앙병원"),
        SearchParam("organization", "managingOrganization", "Organization/oe-fac-3"),
        SearchParam("status", "status", "active"),
        SearchParam("type", "type", "22"),
    ),
    narrative=("name", "address"),
)
