"""Practitioner and PractitionerRole, from the CDSS's users; users who are patients are no practitioners.

A physician's licence has KR Core's system, anybody else's the hospital's own.
"""

from __future__ import annotations

from mappers.cdss import links
from mappers.cdss.tables import accounts_user
from mappers.mapping import Element, Id, Part, Profile, SqlSource
from mappers.profiles import kr_medical_doctor, kr_medical_doctor_role, kr_practitioner, kr_practitioner_role
from mappers.values import (
    Backbone,
    Bool,
    Coded,
    Concept,
    ContactPoint,
    FullName,
    HexUuidIdentifier,
    HumanName,
    Identifier,
    Instant,
    MappedCoding,
    ReferenceTo,
    Str,
    When,
    unless,
    word_is,
)
from terminology.code_map import CodeMap
from terminology.systems import KR_CORE, MOHW_LICENSE_ID, local_identifier, local_system

U = accounts_user.c
SOURCE = SqlSource(accounts_user, where=unless(word_is(U.role, "patient"))[0])
NAME = FullName(U.first_name, U.last_name)
PHYSICIAN = word_is(U.role, "doctor", "radiologist")
TELECOM = (
    Element("telecom[]", ContactPoint("phone", U.phone, "work")),
    Element("telecom[]", ContactPoint("email", U.email, "work")),
)

CDSS_PRACTITIONER = Part(
    Id(links.PRACTITIONER_PREFIX, U.id),
    SOURCE,
    (
        Element("identifier[]", HexUuidIdentifier(U.uuid)),
        Element("identifier[]", Identifier(local_identifier("username"), U.username)),
        Element("active", Bool(U.is_active)),
        Element(
            "name[]",
            HumanName(text=NAME, family=U.last_name, given=(U.first_name,), use="official", absent="unknown"),
        ),
        *TELECOM,
        Element(
            "qualification[]",
            Backbone(
                Element(
                    "identifier[]",
                    When(*PHYSICIAN, Identifier(MOHW_LICENSE_ID, U.license_no, absent="unknown")),
                ),
                Element(
                    "identifier[]",
                    When(*unless(PHYSICIAN), Identifier(local_identifier("license"), U.license_no)),
                ),
                Element("code", Concept(MappedCoding(U.role, CodeMap.load("cdss_qualification")))),
                needs=("code",),
            ),
        ),
    ),
    last_updated=Instant(U.updated_at),
    profiles=(
        Profile(f"{KR_CORE}/StructureDefinition/krcore-practitioner", kr_practitioner),
        Profile(f"{KR_CORE}/StructureDefinition/krcore-medical-doctor", kr_medical_doctor),
    ),
    writable=True,
    comment="Every user of the CDSS but patients; a physician's licence is the qualification's identifier.",
)

CDSS_ROLE = Part(
    Id("role-", U.id),
    SOURCE,
    (
        Element("active", Bool(U.is_active)),
        Element(
            "practitioner",
            ReferenceTo("Practitioner", Id(links.PRACTITIONER_PREFIX, U.id), display=NAME),
        ),
        Element(
            "code[]",
            Concept(
                MappedCoding(U.role, CodeMap.load("cdss_role")),
                MappedCoding(U.role, CodeMap.load("cdss_role_snomed")),
                Coded(local_system("user-role"), U.role),
                text=U.role,
            ),
        ),
        Element(
            "specialty[]",
            Concept(MappedCoding(U.department, CodeMap.load("cdss_department")), text=Str(U.department)),
        ),
        *TELECOM,
    ),
    last_updated=Instant(U.updated_at),
    profiles=(
        Profile(f"{KR_CORE}/StructureDefinition/krcore-practitioner-role", kr_practitioner_role),
        Profile(f"{KR_CORE}/StructureDefinition/krcore-medical-doctor-role", kr_medical_doctor_role),
    ),
    writable=True,
    comment="The role and department of a CDSS user; a department of HIRA's list has its code.",
)
