"""Organization and Location, from OpenEMR: facilities, insurers, laboratories, the address book's companies.

The hospital itself is the facility that is marked as the primary business entity; departments have no rows.
"""

from __future__ import annotations

from sqlalchemy import FromClause, and_, not_

from mappers.mapping import Element, Id, Join, Part, Profile, SqlSource
from mappers.openemr import links
from mappers.openemr.staff import NPI_TYPE, READ_ONLY
from mappers.openemr.tables import (
    addresses,
    facility,
    insurance_companies,
    phone_numbers,
    procedure_providers,
    users,
)
from mappers.profiles import kr_organization
from mappers.sql import filled
from mappers.values import (
    Address,
    Bool,
    Children,
    Coded,
    Concept,
    ContactPoint,
    FirstOf,
    Fixed,
    Identifier,
    Instant,
    Joined,
    NumberIdentifier,
    ReferenceTo,
    Str,
    UuidIdentifier,
    When,
    concept,
    flag_is,
)
from mappers.values.telephone import Telephone
from terminology.systems import (
    CLIA,
    KR_CORE,
    NPI,
    NUCC,
    ORGANIZATION_TYPE,
    V2_IDENTIFIER_TYPE,
    local_identifier,
    local_system,
)

INSURER_PREFIX = "oe-ins-"
LABORATORY_PREFIX = "oe-lab-"
COMPANY_PREFIX = "oe-org-"

PROVIDER = Fixed(concept(ORGANIZATION_TYPE, "prov", "Healthcare Provider"))
INSURER = Fixed(concept(ORGANIZATION_TYPE, "ins", "Insurance Company"))
KR_ORGANIZATION = (Profile(f"{KR_CORE}/StructureDefinition/krcore-organization", kr_organization),)
TAX_TYPE = (V2_IDENTIFIER_TYPE, "TAX", "Tax ID number")

F = facility.c
FACILITY_ADDRESS = Address(
    line=(F.street,),
    city=F.city,
    state=F.state,
    postal_code=F.postal_code,
    country=F.country_code,
    use="work",
    type="physical",
)
FACILITY_TELECOM = (
    Element("telecom[]", ContactPoint("phone", F.phone, "work")),
    Element("telecom[]", ContactPoint("fax", F.fax, "work")),
    Element("telecom[]", ContactPoint("email", F.email, "work")),
    Element("telecom[]", ContactPoint("url", F.website, "work")),
)
FACILITY_NUMBER = NumberIdentifier(local_identifier("openemr-facility"), F.id)
FACILITY_CODE = Identifier(local_identifier("openemr-facility-code"), F.facility_code)

FACILITY = Part(
    Id(links.FACILITY_PREFIX, F.id),
    SqlSource(facility),
    (
        Element("identifier[]", FACILITY_NUMBER),
        Element("identifier[]", UuidIdentifier(F.uuid)),
        Element("identifier[]", FACILITY_CODE),
        Element("identifier[]", Identifier(NPI, F.facility_npi, type=NPI_TYPE)),
        Element("identifier[]", Identifier(CLIA, F.domain_identifier)),
        Element("identifier[]", Identifier(local_identifier("tax-id"), F.federal_ein, type=TAX_TYPE)),
        Element("active", Bool(F.inactive, inverted=True)),
        Element("type[]", PROVIDER),
        Element("type[]", Concept(Coded(NUCC, F.facility_taxonomy))),
        Element("name", Str(F.name)),
        *FACILITY_TELECOM,
        Element("address[]", FACILITY_ADDRESS),
        Element(
            "address[]",
            Address(
                line=(F.mail_street, F.mail_street2),
                city=F.mail_city,
                state=F.mail_state,
                postal_code=F.mail_zip,
                use="work",
                type="postal",
            ),
        ),
    ),
    last_updated=Instant(F.last_updated),
    profiles=KR_ORGANIZATION,
    read_only_because=READ_ONLY,
    comment="A site of the hospital; its number is always an identifier, its name may be missing.",
)

LOCATION = Part(
    Id(links.FACILITY_PREFIX, F.id),
    SqlSource(facility),
    (
        Element("identifier[]", FACILITY_NUMBER),
        Element("identifier[]", FACILITY_CODE),
        Element("status", FirstOf(When(*flag_is(F.inactive, True), Fixed("inactive")), Fixed("active"))),
        Element("name", Str(F.name)),
        Element("description", Str(F.info)),
        Element("mode", Fixed("instance")),
        Element("type[]", Concept(Coded(local_system("place-of-service"), F.pos_code))),
        *FACILITY_TELECOM,
        Element("address", FACILITY_ADDRESS),
        Element(
            "managingOrganization",
            ReferenceTo("Organization", Id(links.FACILITY_PREFIX, F.id), display=Str(F.name)),
        ),
    ),
    last_updated=Instant(F.last_updated),
    read_only_because=READ_ONLY,
    comment="The same facility as a place. Wards and beds of the CDSS have no rows: see Encounter.location.",
)

I = insurance_companies.c  # noqa: E741
INSURER_ADDRESS, INSURER_PHONE = addresses.alias("insurer_address"), phone_numbers.alias("insurer_phone")
A, T = INSURER_ADDRESS.c, INSURER_PHONE.c

INSURANCE_COMPANY = Part(
    Id(INSURER_PREFIX, I.id),
    SqlSource(insurance_companies),
    (
        Element("identifier[]", NumberIdentifier(local_identifier("openemr-insurer"), I.id)),
        Element("identifier[]", UuidIdentifier(I.uuid)),
        Element("identifier[]", Identifier(local_identifier("openemr-payer"), I.cms_id)),
        Element("identifier[]", Identifier(local_identifier("openemr-payer"), I.alt_cms_id, use="secondary")),
        Element("active", Bool(I.inactive, inverted=True)),
        Element("type[]", INSURER),
        Element("name", Str(I.name)),
        Element("telecom[]", Children(INSURER_PHONE, I.id, T.foreign_id, Telephone(T), order=(T.id,))),
        Element(
            "address[]",
            Children(
                INSURER_ADDRESS,
                I.id,
                A.foreign_id,
                Address(
                    line=(A.line1, A.line2),
                    city=A.city,
                    district=A.district,
                    state=A.state,
                    postal_code=Joined(A.zip, A.plus_four, separator="-"),
                    country=A.country,
                    use="work",
                ),
                order=(A.id,),
            ),
        ),
    ),
    last_updated=Instant(I.last_updated),
    profiles=KR_ORGANIZATION,
    read_only_because=READ_ONLY,
    comment="An insurer; that addresses and phones are its own is told by the shared counter of ids alone.",
)


def _contact(user: FromClause) -> tuple[Element, ...]:
    """Where an address-book entry is reached."""
    c = user.c
    return (
        Element("telecom[]", ContactPoint("phone", c.phonew1, "work")),
        Element("telecom[]", ContactPoint("phone", c.phone, "work")),
        Element("telecom[]", ContactPoint("fax", c.fax, "work")),
        Element("telecom[]", ContactPoint("email", c.email, "work")),
        Element("telecom[]", ContactPoint("url", c.url, "work")),
        Element(
            "address[]",
            Address(line=(c.street, c.streetb), city=c.city, state=c.state, postal_code=c.zip, use="work"),
        ),
    )


L = procedure_providers.c
DIRECTOR = users.alias("director")

LABORATORY = Part(
    Id(LABORATORY_PREFIX, L.ppid),
    SqlSource(procedure_providers, (Join(DIRECTOR, DIRECTOR.c.id == L.lab_director),)),
    (
        Element("identifier[]", NumberIdentifier(local_identifier("openemr-procedure-provider"), L.ppid)),
        Element("identifier[]", UuidIdentifier(L.uuid)),
        Element("identifier[]", Identifier(NPI, L.npi, type=NPI_TYPE)),
        Element("active", Bool(L.active)),
        Element("type[]", PROVIDER),
        Element("name", Str(L.name)),
        *_contact(DIRECTOR),
    ),
    last_updated=Instant(L.last_updated),
    profiles=KR_ORGANIZATION,
    read_only_because=READ_ONLY,
    comment="Who carries out orders; its address is that of the address-book entry named as its director.",
)

C = users.c

COMPANY = Part(
    Id(COMPANY_PREFIX, C.id),
    SqlSource(users, where=and_(not_(links.is_person(users)), filled(C.organization))),
    (
        Element("identifier[]", UuidIdentifier(C.uuid)),
        Element("identifier[]", Identifier(NPI, C.npi, type=NPI_TYPE)),
        Element("active", Bool(C.active)),
        Element("type[]", Concept(Coded(local_system("openemr-address-book-type"), C.abook_type))),
        Element("name", Str(C.organization)),
        *_contact(users),
    ),
    last_updated=Instant(C.last_updated),
    profiles=KR_ORGANIZATION,
    read_only_because=READ_ONLY,
    comment="An address-book entry that names an organisation and nobody.",
)
