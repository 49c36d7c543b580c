"""Practitioner. https://hl7.org/fhir/R4/practitioner.html"""

from __future__ import annotations

from mappers.cdss.staff import CDSS_PRACTITIONER
from mappers.mapping import ResourceMapping, SearchParam
from mappers.openemr.staff import OPENEMR_PRACTITIONER

PRACTITIONER = ResourceMapping(
    "Practitioner",
    parts=(CDSS_PRACTITIONER, OPENEMR_PRACTITIONER),
    search_params=(
        SearchParam("active", "active", "true"),
        SearchParam("address", "address", "세종대로"),
        SearchParam("address-city", "address.city", "서울"),
        SearchParam("address-postalcode", "address.postalCode", "03172"),
        SearchParam("address-state", "address.state", "경기"),
        SearchParam("address-use", "address.use", "work"),
        SearchParam(
            "code",
            "qualification.code",
            "의사",
            type="token",
            expression="Practitioner.qualification.code",
            description="A qualification (KR Core)",
        ),
        SearchParam("email", "telecom.where(system='email')", "doctor@hospital.example"),
        SearchParam("family", "name.family", "박"),
        SearchParam("given", "name.given", "지훈"),
        SearchParam(
            "identifier",
            ("identifier", "qualification.identifier"),
            "10001",
            type="token",
            expression="Practitioner.identifier | Practitioner.qualification.identifier",
            description="An identifier of the person or of a qualification, such as a licence (as in R5)",
        ),
        SearchParam("name", "name", "박"),
        SearchParam("phone", "telecom.where(system='phone')", "02-0000-1002"),
        SearchParam("telecom", "telecom", "02-0000-1002"),
    ),
    narrative=("name", "qualification", "telecom"),
    comment="Staff of both databases. A CDSS user and an OpenEMR user are not told to be the same person.",
)
