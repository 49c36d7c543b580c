"""Patient, from OpenEMR: what a patient_data row says, by itself or beside a CDSS row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exists

from mappers.cdss.tables import emr_patientcache
from mappers.mapping import Element, Id, Part, Profile, SqlSource
from mappers.openemr import links
from mappers.openemr.tables import patient_data
from mappers.profiles import kr_patient
from mappers.site import RESIDENT_NUMBER
from mappers.values import (
    Address,
    Backbone,
    Choice,
    Code,
    Concept,
    ContactPoint,
    Date,
    FirstOf,
    Fixed,
    HumanName,
    Identifier,
    Instant,
    MappedCoding,
    NumberIdentifier,
    Sensitive,
    Str,
    UuidIdentifier,
    concept,
)
from terminology.code_map import CodeMap
from terminology.systems import KR_CORE, RESIDENT_REGISTRATION_ID, V2_IDENTIFIER_TYPE, local_identifier

PID = local_identifier("openemr-pid")
PUBPID = local_identifier("openemr-pubpid")


def official_name(table: Any, use: str) -> HumanName:
    """The patient's name in OpenEMR."""
    c = table.c
    return HumanName(family=c.lname, given=(c.fname, c.mname), prefix=c.title, suffix=c.suffix, use=use)


def demographics(table: Any, *, contact: bool) -> tuple[Element, ...]:
    """Elements of a patient_data row that stand beside the CDSS's as well (`contact`: those that don't)."""
    c = table.c
    beside = (
        Element("identifier[]", UuidIdentifier(c.uuid)),
        Element("identifier[]", NumberIdentifier(PID, c.pid)),
        Element(
            "identifier[]",
            Identifier(PUBPID, c.pubpid, type=(V2_IDENTIFIER_TYPE, "PT", "Patient external identifier")),
        ),
        Element("telecom[]", ContactPoint("phone", c.phone_home, "home")),
        Element("telecom[]", ContactPoint("phone", c.phone_biz, "work")),
        Element("telecom[]", ContactPoint("phone", c.phone_cell, "mobile")),
        Element("telecom[]", ContactPoint("email", c.email, "home")),
        Element(
            "maritalStatus",
            Concept(MappedCoding(c.status, CodeMap.load("openemr_marital")), text=Str(c.status)),
        ),
        Element(
            "communication[]",
            Backbone(
                Element(
                    "language",
                    Concept(MappedCoding(c.language, CodeMap.load("openemr_language")), text=Str(c.language)),
                ),
                needs=("language",),
            ),
        ),
        Element(
            "address[]",
            Address(
                line=(c.street, c.street_line_2),
                city=c.city,
                district=c.county,
                state=c.state,
                postal_code=c.postal_code,
                country=c.country_code,
                use="home",
            ),
        ),
    )
    return beside + (_contacts(c) if contact else ())


def _contacts(c: Any) -> tuple[Element, ...]:
    emergency = concept("http://terminology.hl7.org/CodeSystem/v2-0131", "C", "Emergency Contact")
    return (
        Element(
            "contact[]",
            Backbone(
                Element("relationship[]", Fixed(emergency)),
                Element("name", HumanName(text=c.contact_relationship)),
                Element("telecom[]", ContactPoint("phone", c.phone_contact)),
                needs=("name",),
            ),
        ),
    )


PD = patient_data.c

OPENEMR_PATIENT = Part(
    Id(links.PATIENT_PREFIX, PD.pid),
    SqlSource(patient_data, where=~exists().where(emr_patientcache.c.openemr_pid == PD.pid)),
    (
        *demographics(patient_data, contact=True),
        Element("identifier[]", Sensitive(RESIDENT_NUMBER, Identifier(RESIDENT_REGISTRATION_ID, PD.ss))),
        Element("name[]", official_name(patient_data, use="official")),
        Element("gender", FirstOf(Code(PD.sex, CodeMap.load("openemr_sex")), Fixed("unknown"))),
        Element("birthDate", Date(PD.DOB)),
        Element("deceased[x]", Choice(Instant(PD.deceased_date))),
        Element("generalPractitioner[]", links.practitioner(PD.providerID)),
    ),
    last_updated=Instant(PD.last_updated),
    profiles=(Profile(f"{KR_CORE}/StructureDefinition/krcore-patient", kr_patient),),
    read_only_because="OpenEMR's tables are read only",
    comment="OpenEMR's patients that no CDSS row is linked to.",
)
