"""Patient: the CDSS's row joined with OpenEMR's, and OpenEMR's own patients."""

from __future__ import annotations

from typing import Any

from mappers.cdss import links
from mappers.cdss.tables import emr_patientcache
from mappers.mapping import Element, Id, Join, Part, SqlSource
from mappers.openemr.patient import (
    PROFILES,
    SEX,
    demographics,
    in_emergency,
    official_name,
    other_names,
    telecom,
)
from mappers.openemr.tables import patient_data
from mappers.site import RESIDENT_NUMBER
from mappers.sql import Condition
from mappers.upkeep import NOW, Upkeep
from mappers.value import Cells, Columns, Read, Value, Writing
from mappers.values import (
    Absent,
    Address,
    Bool,
    Choice,
    Code,
    ContactPoint,
    Date,
    FirstOf,
    Fixed,
    Happened,
    HumanName,
    Identifier,
    Instant,
    Merged,
    Sensitive,
    When,
    flag_is,
)
from terminology.code_map import CodeMap
from terminology.systems import RESIDENT_REGISTRATION_ID, V2_IDENTIFIER_TYPE, local_identifier

PATIENT_NUMBER = local_identifier("patient-id")
MEDICAL_RECORD = (V2_IDENTIFIER_TYPE, "MR", "Medical record number")

P = emr_patientcache.c
OE = patient_data.alias("oe")
BIRTH = FirstOf(Date(P.birth_date), Date(OE.c.DOB))
DECEASED = flag_is(P.is_deceased, True)

CALLED = in_emergency(P.emergency_contact_name, P.emergency_contact_phone)


class _Stated(Value):
    """A contact who is stated to be called in an emergency: any other is no such contact."""

    def __init__(self, value: Value) -> None:
        self.value = value

    def reader(self, columns: Columns) -> Read:
        raise NotImplementedError("it is only written")

    def present(self) -> Condition:
        raise NotImplementedError("it is only written")

    def written(self, said: Any, w: Writing) -> Cells | None:
        stated = said is None or (isinstance(said, dict) and said.get("relationship"))
        return self.value.written(said, w) if stated else None


CDSS_PATIENT = Part(
    Id("", P.patient_id),
    SqlSource(emr_patientcache, (Join(OE, OE.c.pid == P.openemr_pid),)),
    (
        Element("identifier[]", Identifier(PATIENT_NUMBER, P.patient_id, type=MEDICAL_RECORD, use="usual")),
        Element("identifier[]", Sensitive(RESIDENT_NUMBER, Identifier(RESIDENT_REGISTRATION_ID, P.ssn))),
        Element("active", Bool(P.is_active)),
        Element("name[]", HumanName(text=P.name, use="official", absent="unknown")),
        Element("name[]", HumanName(text=P.name_en, use="usual")),
        Element("name[]", official_name(OE, use="usual")),
        *other_names(OE),
        Element(
            "telecom[]",
            Merged(ContactPoint("phone", P.phone), ContactPoint("email", P.email), *telecom(OE)),
        ),
        Element(
            "gender",
            FirstOf(
                Code(P.gender, CodeMap.load("cdss_gender")),
                Code(OE.c.sex, SEX),
                Fixed("unknown"),
            ),
        ),
        Element("birthDate", BIRTH),
        Element("_birthDate", Absent(BIRTH)),
        Element(
            "deceased[x]",
            Choice(
                When(*DECEASED, Happened(P.deceased_at)),
                When(*DECEASED, Fixed(True, "Boolean")),
                Happened(OE.c.deceased_date),
                Bool(P.is_deceased),
            ),
        ),
        Element("address[]", Address(text=P.address, postal_code=P.postal_code, use="home")),
        Element(CALLED.path, CALLED.value, writes=_Stated(CALLED.value)),
        *demographics(OE),
        Element("generalPractitioner[]", links.practitioner(P.primary_doctor_id)),
    ),
    last_updated=Instant(P.updated_at),
    profiles=PROFILES,
    writable=True,
    upkeep=Upkeep(
        "P-{year}-",
        new={P.is_active: 1, P.is_deceased: 0, P.created_at: NOW},
        touched=(P.updated_at,),
        retired=(P.is_active, 0),
    ),
    comment="The CDSS's patient, with OpenEMR's demographics where `openemr_pid` links one.",
)
