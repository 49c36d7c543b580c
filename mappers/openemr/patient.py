"""Patient, from OpenEMR: what a patient_data row says, by itself or beside a CDSS row.

`sex` may be meant as birth sex or as administrative gender; it is said as gender only.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import FromClause, and_, exists

from mappers.cdss.tables import emr_patientcache
from mappers.mapping import Element, Id, Join, Part, Profile, SqlSource
from mappers.openemr import links
from mappers.openemr.tables import addresses, contact, contact_address, patient_data, patient_history
from mappers.profiles import kr_patient
from mappers.site import RESIDENT_NUMBER
from mappers.values import (
    Absent,
    Address,
    Backbone,
    Children,
    Choice,
    Code,
    Concept,
    ContactPoint,
    Date,
    DateTime,
    DayOrInstant,
    FirstOf,
    Fixed,
    Happened,
    HumanName,
    Identifier,
    Instant,
    Joined,
    MappedCoding,
    Merged,
    NumberIdentifier,
    Period,
    Sensitive,
    Str,
    UuidIdentifier,
    When,
    concept,
    unless,
)
from mappers.values.conditions import Sides, same_text
from mappers.values.us_core import Descent
from terminology.code_map import CodeMap
from terminology.systems import (
    KR_CORE,
    RESIDENT_REGISTRATION_ID,
    V2_IDENTIFIER_TYPE,
    V3_ROLE_CODE,
    local_identifier,
)

PID = local_identifier("openemr-pid")
PUBPID = local_identifier("openemr-pubpid")
EXTERNAL = (V2_IDENTIFIER_TYPE, "PT", "Patient external identifier")
EMERGENCY = concept("http://terminology.hl7.org/CodeSystem/v2-0131", "C", "Emergency Contact")
GUARDIAN = concept(V3_ROLE_CODE, "GUARD", "guardian")
SEX = CodeMap.load("openemr_sex")
PROFILES = (Profile(f"{KR_CORE}/StructureDefinition/krcore-patient", kr_patient),)


def official_name(table: Any, use: str, absent: str | None = None) -> HumanName:
    """The patient's name in OpenEMR."""
    c = table.c
    return HumanName(
        family=c.lname, given=(c.fname, c.mname), prefix=c.title, suffix=c.suffix, use=use, absent=absent
    )


def other_names(table: FromClause) -> tuple[Element, ...]:
    """How the patient is called, was called at birth, and was called until a change."""
    c, old = table.c, patient_history.alias("old_name")
    former = HumanName(
        family=old.c.previous_name_last,
        given=(old.c.previous_name_first, old.c.previous_name_middle),
        prefix=old.c.previous_name_prefix,
        suffix=old.c.previous_name_suffix,
        use="old",
        period=Period(None, DateTime(old.c.previous_name_enddate)),
    )
    at_birth = HumanName(family=c.birth_lname, given=(c.birth_fname, c.birth_mname), use="old")
    return (
        Element("name[]", HumanName(text=c.preferred_name, use="nickname")),
        Element("name[]", _unless_same(at_birth, c)),
        Element(
            "name[]",
            Children(
                old,
                c.pid,
                old.c.pid,
                former,
                order=(old.c.id,),
                where=old.c.history_type_key == "name_history",
            ),
        ),
    )


def _unless_same(name: HumanName, c: Any) -> Named:
    pairs = ((c.birth_lname, c.lname), (c.birth_fname, c.fname), (c.birth_mname, c.mname))
    return Named(unless(same_text(*pairs)), name)


class Named(When):
    """A name that is there under a condition: its parts are searched as those of the name."""

    def __init__(self, condition: Sides, name: HumanName) -> None:
        super().__init__(*condition, name)

    def sub(self, name: str) -> When | None:
        part = self.value.sub(name)
        return When(self.condition, self.test, part) if part else None


def telecom(table: FromClause) -> tuple[ContactPoint, ...]:
    """Where the patient is reached."""
    c = table.c
    return (
        ContactPoint("phone", c.phone_home, "home"),
        ContactPoint("phone", c.phone_biz, "work"),
        ContactPoint("phone", c.phone_cell, "mobile"),
        ContactPoint("email", c.email, "home"),
        ContactPoint("email", c.email_direct),
    )


def _more_addresses(table: FromClause) -> Children:
    """Addresses beside the main one, with their use and period; inactive ones are left out."""
    owner, link, place = contact.alias("owner"), contact_address.alias("link"), addresses.alias("place")
    a = place.c
    value = Address(
        line=(a.line1, a.line2),
        city=a.city,
        district=a.district,
        state=a.state,
        postal_code=Joined(a.zip, a.plus_four, separator="-"),
        country=a.country,
        use=Code(link.c.use, CodeMap.load("openemr_address_use")),
        type=Code(link.c.type, CodeMap.load("openemr_address_type")),
        period=Period(DayOrInstant(link.c.period_start), DayOrInstant(link.c.period_end)),
        joins=(
            Join(owner, and_(owner.c.id == link.c.contact_id, owner.c.foreign_table_name == "patient_data")),
            Join(place, place.c.id == link.c.address_id),
        ),
    )
    order = (link.c.priority, link.c.id)
    return Children(link, table.c.pid, owner.c.foreign_id, value, order=order, where=link.c.status == "A")


def demographics(table: FromClause) -> tuple[Element, ...]:
    """Elements of a patient_data row that stand beside the CDSS's as well."""
    c: Any = table.c
    language = CodeMap.load("openemr_language")
    return (
        Element("extension[]", Descent("us-core-race", c.race, CodeMap.load("openemr_race"))),
        Element("extension[]", Descent("us-core-ethnicity", c.ethnicity, CodeMap.load("openemr_ethnicity"))),
        Element("identifier[]", UuidIdentifier(c.uuid)),
        Element("identifier[]", NumberIdentifier(PID, c.pid)),
        Element("identifier[]", Identifier(PUBPID, c.pubpid, type=EXTERNAL)),
        Element(
            "maritalStatus",
            Concept(MappedCoding(c.status, CodeMap.load("openemr_marital")), text=Str(c.status)),
        ),
        Element(
            "communication[]",
            Backbone(
                Element("language", Concept(MappedCoding(c.language, language), text=Str(c.language))),
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
        Element("address[]", _more_addresses(table)),
        Element("contact[]", _guardian(c)),
    )


def somebody(*elements: Element) -> FirstOf:
    """A contact who has a name or at least a way to be reached (pat-1)."""
    return FirstOf(Backbone(*elements, needs=("name",)), Backbone(*elements, needs=("telecom",)))


def in_emergency(name: Any, phone: Any) -> Element:
    """Whom to call in an emergency."""
    return Element(
        "contact[]",
        somebody(
            Element("relationship[]", Fixed(EMERGENCY)),
            Element("name", HumanName(text=name)),
            Element("telecom[]", ContactPoint("phone", phone)),
        ),
    )


def _guardian(c: Any) -> FirstOf:
    relationship = Concept(text=c.guardianrelationship)
    return somebody(
        Element("relationship[]", Fixed(GUARDIAN)),
        Element("relationship[]", relationship),
        Element("name", HumanName(text=c.guardiansname)),
        Element("telecom[]", ContactPoint("phone", c.guardianphone, "home")),
        Element("telecom[]", ContactPoint("phone", c.guardianworkphone, "work")),
        Element("telecom[]", ContactPoint("email", c.guardianemail)),
        Element(
            "address",
            Address(
                line=(c.guardianaddress,),
                city=c.guardiancity,
                state=c.guardianstate,
                postal_code=c.guardianpostalcode,
                country=c.guardiancountry,
            ),
        ),
        Element("gender", Code(c.guardiansex, SEX)),
    )


PD = patient_data.c
BIRTH = Date(PD.DOB)

OPENEMR_PATIENT = Part(
    Id(links.PATIENT_PREFIX, PD.pid),
    SqlSource(
        patient_data,
        where=and_(PD.pid > 0, ~exists().where(emr_patientcache.c.openemr_pid == PD.pid)),
    ),
    (
        *demographics(patient_data),
        Element("identifier[]", Sensitive(RESIDENT_NUMBER, Identifier(RESIDENT_REGISTRATION_ID, PD.ss))),
        Element("name[]", official_name(patient_data, "official", absent="unknown")),
        *other_names(patient_data),
        Element("telecom[]", Merged(*telecom(patient_data))),
        Element("gender", Code(PD.sex, SEX, otherwise="unknown")),
        Element("birthDate", BIRTH),
        Element("_birthDate", Absent(BIRTH)),
        Element("deceased[x]", Choice(Happened(PD.deceased_date))),
        in_emergency(PD.contact_relationship, PD.phone_contact),
        Element("generalPractitioner[]", links.practitioner(PD.providerID)),
    ),
    last_updated=Instant(PD.last_updated),
    profiles=PROFILES,
    read_only_because="OpenEMR's tables are read only",
    comment="OpenEMR's patients that no CDSS row is linked to.",
)
