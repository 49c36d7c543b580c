"""Patient: the CDSS's row joined with OpenEMR's, and OpenEMR's own patients."""

from __future__ import annotations

from mappers.cdss import links
from mappers.cdss.tables import emr_patientcache
from mappers.mapping import Element, Id, Join, Part, Profile, SqlSource
from mappers.openemr.patient import demographics, official_name
from mappers.openemr.tables import patient_data
from mappers.profiles import kr_patient
from mappers.site import RESIDENT_NUMBER
from mappers.values import (
    Address,
    Backbone,
    Bool,
    Choice,
    Code,
    ContactPoint,
    Date,
    FirstOf,
    Fixed,
    HumanName,
    Identifier,
    Instant,
    Sensitive,
    When,
    concept,
    flag_is,
)
from terminology.code_map import CodeMap
from terminology.systems import KR_CORE, RESIDENT_REGISTRATION_ID, V2_IDENTIFIER_TYPE, local_identifier

PATIENT_NUMBER = local_identifier("patient-id")
MEDICAL_RECORD = (V2_IDENTIFIER_TYPE, "MR", "Medical record number")

P = emr_patientcache.c
OE = patient_data.alias("oe")

CDSS_PATIENT = Part(
    Id("", P.patient_id),
    SqlSource(emr_patientcache, (Join(OE, OE.c.pid == P.openemr_pid),)),
    (
        Element("identifier[]", Identifier(PATIENT_NUMBER, P.patient_id, type=MEDICAL_RECORD, use="usual")),
        Element("identifier[]", Sensitive(RESIDENT_NUMBER, Identifier(RESIDENT_REGISTRATION_ID, P.ssn))),
        *demographics(OE, contact=False),
        Element("active", Bool(P.is_active)),
        Element("name[]", HumanName(text=P.name, use="official")),
        Element("name[]", HumanName(text=P.name_en, use="usual")),
        Element("name[]", official_name(OE, use="usual")),
        Element("telecom[]", ContactPoint("phone", P.phone)),
        Element("telecom[]", ContactPoint("email", P.email)),
        Element("gender", FirstOf(Code(P.gender, CodeMap.load("cdss_gender")), Fixed("unknown"))),
        Element("birthDate", FirstOf(Date(P.birth_date), Date(OE.c.DOB))),
        Element(
            "deceased[x]",
            Choice(
                When(*flag_is(P.is_deceased, True), Instant(P.deceased_at)),
                Bool(P.is_deceased),
            ),
        ),
        Element("address[]", Address(text=P.address, postal_code=P.postal_code, use="home")),
        Element(
            "contact[]",
            Backbone(
                Element(
                    "relationship[]",
                    Fixed(concept("http://terminology.hl7.org/CodeSystem/v2-0131", "C", "Emergency Contact")),
                ),
                Element("name", HumanName(text=P.emergency_contact_name)),
                Element("telecom[]", ContactPoint("phone", P.emergency_contact_phone)),
                needs=("name",),
            ),
        ),
        Element("generalPractitioner[]", links.practitioner(P.primary_doctor_id)),
    ),
    last_updated=Instant(P.updated_at),
    profiles=(Profile(f"{KR_CORE}/StructureDefinition/krcore-patient", kr_patient),),
    writable=True,
    comment="The CDSS's patient, with OpenEMR's demographics where `openemr_pid` links one.",
)
