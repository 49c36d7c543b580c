"""Practitioner and PractitionerRole, from OpenEMR's users: logins and people of the address book.

OpenEMR itself shows only those with an NPI, so that its references to the others lead nowhere; here everybody
who has a name is a Practitioner.
"""

from __future__ import annotations

from sqlalchemy import and_, exists, func, select
from sqlalchemy.sql.expression import ColumnElement

from mappers.mapping import Element, Id, Join, Part, Profile, SqlSource
from mappers.openemr import links
from mappers.openemr.tables import facility_user_ids, users
from mappers.profiles import kr_practitioner, kr_practitioner_role
from mappers.values import (
    Address,
    Backbone,
    Bool,
    Coded,
    Concept,
    ContactPoint,
    FullName,
    HumanName,
    Identifier,
    Instant,
    MappedCoding,
    ReferenceTo,
    Str,
    UuidIdentifier,
    When,
    unless,
    word_is,
)
from terminology.code_map import CodeMap
from terminology.systems import KR_CORE, NPI, NUCC, V2_IDENTIFIER_TYPE, local_identifier

READ_ONLY = "OpenEMR's tables are read only"
#: what users.taxonomy holds when nobody chose anything
DEFAULT_TAXONOMY = "207Q00000X"
NPI_TYPE = (V2_IDENTIFIER_TYPE, "NPI", "National provider identifier")

U = users.c

OPENEMR_PRACTITIONER = Part(
    Id(links.PRACTITIONER_PREFIX, U.id),
    SqlSource(users, where=links.is_person(users)),
    (
        Element("identifier[]", UuidIdentifier(U.uuid)),
        Element("identifier[]", Identifier(NPI, U.npi, type=NPI_TYPE)),
        Element("identifier[]", Identifier(local_identifier("openemr-username"), U.username)),
        Element(
            "identifier[]", Identifier(local_identifier("openemr-state-license"), U.state_license_number)
        ),
        Element("active", Bool(U.active)),
        Element(
            "name[]",
            HumanName(
                family=U.lname, given=(U.fname, U.mname), prefix=U.title, suffix=U.suffix, use="official"
            ),
        ),
        Element("telecom[]", ContactPoint("phone", U.phone, "home")),
        Element("telecom[]", ContactPoint("phone", U.phonew1, "work")),
        Element("telecom[]", ContactPoint("phone", U.phonew2, "work")),
        Element("telecom[]", ContactPoint("phone", U.phonecell, "mobile")),
        Element("telecom[]", ContactPoint("fax", U.fax, "work")),
        Element("telecom[]", ContactPoint("email", U.email, "work")),
        Element("telecom[]", ContactPoint("email", U.email_direct, "work")),
        Element("telecom[]", ContactPoint("url", U.url)),
        Element(
            "address[]",
            Address(line=(U.street, U.streetb), city=U.city, state=U.state, postal_code=U.zip, use="work"),
        ),
        Element(
            "address[]",
            Address(
                line=(U.street2, U.streetb2), city=U.city2, state=U.state2, postal_code=U.zip2, use="work"
            ),
        ),
        Element("qualification[]", Backbone(Element("code", Concept(text=U.valedictory)), needs=("code",))),
    ),
    last_updated=Instant(U.last_updated),
    profiles=(Profile(f"{KR_CORE}/StructureDefinition/krcore-practitioner", kr_practitioner),),
    read_only_because=READ_ONLY,
    comment="Every user who has a name, with or without NPI; address-book organisations are Organizations.",
)


def _specialty(user: object) -> tuple[Element, ...]:
    """What a users row says of the person's field."""
    c = user.c  # type: ignore[attr-defined]
    return (
        Element("code[]", Concept(MappedCoding(c.physician_type, CodeMap.load("openemr_physician_type")))),
        Element("specialty[]", Concept(text=c.specialty)),
        Element(
            "specialty[]",
            When(*unless(word_is(c.taxonomy, DEFAULT_TAXONOMY)), Concept(Coded(NUCC, c.taxonomy))),
        ),
    )


FACILITY_USER = facility_user_ids
F = FACILITY_USER.c
PERSON = users.alias("person")


def _first(field: str | None, name: str) -> ColumnElement[int]:
    """The first key-value row of the same user and facility (of one field, if given)."""
    other = FACILITY_USER.alias(name)
    found = select(func.min(other.c.id)).where(other.c.uid == F.uid, other.c.facility_id == F.facility_id)
    found = found.where(other.c.field_id == field) if field else found
    return found.correlate_except(other).scalar_subquery()


NUMBER = FACILITY_USER.alias("provider_number")
ROLE = FACILITY_USER.alias("role_code")
SPECIALTY = FACILITY_USER.alias("specialty_code")
_PERSON = Join(PERSON, and_(PERSON.c.id == F.uid, links.is_person(PERSON)))

FACILITY_ROLE = Part(
    Id("oe-role-", F.id),
    SqlSource(
        FACILITY_USER,
        (
            _PERSON,
            Join(NUMBER, NUMBER.c.id == _first("provider_id", "number_first")),
            Join(ROLE, ROLE.c.id == _first("role_code", "role_first")),
            Join(SPECIALTY, SPECIALTY.c.id == _first("specialty_code", "specialty_first")),
        ),
        where=F.id == _first(None, "first"),
    ),
    (
        Element("identifier[]", UuidIdentifier(F.uuid)),
        Element("identifier[]", Identifier(local_identifier("openemr-provider-id"), NUMBER.c.field_value)),
        Element("active", Bool(PERSON.c.active)),
        Element(
            "practitioner",
            links.practitioner(F.uid),
        ),
        Element("organization", links.organization(F.facility_id)),
        Element("code[]", Concept(Coded(NUCC, ROLE.c.field_value))),
        Element("specialty[]", Concept(Coded(NUCC, SPECIALTY.c.field_value))),
        *_specialty(PERSON),
        Element("location[]", links.location(F.facility_id)),
    ),
    last_updated=Instant(F.last_updated),
    profiles=(Profile(f"{KR_CORE}/StructureDefinition/krcore-practitioner-role", kr_practitioner_role),),
    read_only_because=READ_ONLY,
    comment="A user at a facility, of the key-value rows that OpenEMR keeps for the two; the first names it.",
)

_KEYED = FACILITY_USER.alias("keyed")

USER_ROLE = Part(
    Id("oe-user-", U.id),
    SqlSource(
        users,
        where=and_(
            links.is_person(users),
            ~exists()
            .where(_KEYED.c.uid == U.id, _KEYED.c.facility_id == U.facility_id)
            .correlate_except(_KEYED),
        ),
    ),
    (
        Element("active", Bool(U.active)),
        Element(
            "practitioner",
            ReferenceTo(
                "Practitioner", Id(links.PRACTITIONER_PREFIX, U.id), display=FullName(U.fname, U.lname)
            ),
        ),
        Element("organization", Backbone(Element("display", Str(U.organization)))),
        Element("organization", links.organization(U.facility_id)),
        *_specialty(users),
        Element("location[]", links.location(U.facility_id)),
    ),
    last_updated=Instant(U.last_updated),
    profiles=(Profile(f"{KR_CORE}/StructureDefinition/krcore-practitioner-role", kr_practitioner_role),),
    read_only_because=READ_ONLY,
    comment="A user at the default facility, where no key-value rows say more of the two.",
)
