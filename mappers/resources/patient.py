"""Patient. https://hl7.org/fhir/R4/patient.html"""

from __future__ import annotations

from mappers.cdss.patient import CDSS_PATIENT
from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.patient import OPENEMR_PATIENT

PATIENT = ResourceMapping(
    "Patient",
    parts=(CDSS_PATIENT, OPENEMR_PATIENT),
    search_params=(
        SearchParam(
            "identifier", "identifier", "http://neuronova.example/fhir/identifier/patient-id|P-2025-000001"
        ),
        SearchParam("name", "name", "김"),
        SearchParam("family", "name.family", "Kim"),
        SearchParam("given", "name.given", "Y"),
        SearchParam("active", "active", "true"),
        SearchParam("gender", "gender", "female"),
        SearchParam("birthdate", "birthDate", "gt1950-01-01"),
        SearchParam("death-date", "deceased[x]", "gt2000"),
        SearchParam("deceased", "deceased[x].exists()", "true"),
        SearchParam("telecom", "telecom", "010-0000-0001"),
        SearchParam("phone", "telecom.where(system='phone')", "010-0000-0001"),
        SearchParam("email", "telecom.where(system='email')", "younghee.kim@patient.example"),
        SearchParam("address", "address", "서울"),
        SearchParam("address-city", "address.city", "서울"),
        SearchParam("address-state", "address.state", "부산"),
        SearchParam("address-postalcode", "address.postalCode", "0"),
        SearchParam("address-use", "address.use", "home"),
        SearchParam("address-country", "address.country", "KR"),
        SearchParam("language", "communication.language", "ko"),
        SearchParam("general-practitioner", "generalPractitioner", "Practitioner/user-2"),
    ),
    narrative=("name", "gender", "birthDate", "identifier"),
)
