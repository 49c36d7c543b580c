"""OpenEMR's tables of policies and payers, with their addresses and phones."""

from __future__ import annotations

from sqlalchemy import CHAR, VARCHAR, Column, Index, Table, UniqueConstraint

from mappers.column_types import (
    BIGINT,
    FLAG,
    INT,
    NOW,
    NOW_ON_UPDATE,
    TINYTEXT,
    OneOf,
    SiteDate,
    SiteDateTime,
    Uuid16,
)
from mappers.openemr.tables.schema import INNODB, OPENEMR, not_null

# Patient's insurance policies (history kept).
insurance_data = Table(
    "insurance_data",
    OPENEMR,
    Column("id", BIGINT, primary_key=True),
    Column("uuid", Uuid16(), unique=True),
    Column("type", OneOf("primary", "secondary", "tertiary")),
    Column("provider", VARCHAR(255)),
    Column("plan_name", VARCHAR(255)),
    Column("policy_number", VARCHAR(255)),
    Column("group_number", VARCHAR(255)),
    Column("subscriber_lname", VARCHAR(255)),
    Column("subscriber_mname", VARCHAR(255)),
    Column("subscriber_fname", VARCHAR(255)),
    Column("subscriber_relationship", VARCHAR(255)),
    Column("subscriber_ss", VARCHAR(255)),
    Column("subscriber_DOB", SiteDate()),
    Column("subscriber_street", VARCHAR(255)),
    Column("subscriber_postal_code", VARCHAR(255)),
    Column("subscriber_city", VARCHAR(255)),
    Column("subscriber_state", VARCHAR(255)),
    Column("subscriber_country", VARCHAR(255)),
    Column("subscriber_phone", VARCHAR(255)),
    Column("subscriber_employer", VARCHAR(255)),
    Column("copay", VARCHAR(255)),
    Column("date", SiteDate()),
    not_null("pid", BIGINT, "0"),
    Column("subscriber_sex", VARCHAR(25)),
    not_null("accept_assignment", VARCHAR(5), "TRUE"),
    not_null("policy_type", VARCHAR(25), ""),
    Column("subscriber_street_line_2", TINYTEXT),
    Column("date_end", SiteDate()),
    UniqueConstraint("pid", "type", "date"),
    **INNODB,
)

# Payers.
insurance_companies = Table(
    "insurance_companies",
    OPENEMR,
    Column("id", INT, primary_key=True, autoincrement=False, server_default="0"),
    Column("uuid", Uuid16(), unique=True),
    Column("name", VARCHAR(255)),
    Column("attn", VARCHAR(255)),
    Column("cms_id", VARCHAR(15)),
    Column("ins_type_code", INT),
    Column("alt_cms_id", VARCHAR(15)),
    not_null("inactive", FLAG, "0"),
    Column("eligibility_id", VARCHAR(32)),
    Column("cqm_sop", INT),
    not_null("date_created", SiteDateTime(), NOW),
    not_null("last_updated", SiteDateTime(), NOW_ON_UPDATE),
    **INNODB,
)

# Addresses of insurers, pharmacies and (via contact_address) extra patient addresses.
addresses = Table(
    "addresses",
    OPENEMR,
    Column("id", INT, primary_key=True, autoincrement=False, server_default="0"),
    Column("line1", VARCHAR(255)),
    Column("line2", VARCHAR(255)),
    Column("city", VARCHAR(255)),
    Column("state", VARCHAR(35)),
    Column("zip", VARCHAR(10)),
    Column("plus_four", VARCHAR(4)),
    Column("country", VARCHAR(255)),
    Column("foreign_id", INT),
    Column("district", VARCHAR(255)),
    Index(None, "foreign_id"),
    **INNODB,
)

# Phones of insurers/pharmacies.
phone_numbers = Table(
    "phone_numbers",
    OPENEMR,
    Column("id", INT, primary_key=True, autoincrement=False, server_default="0"),
    Column("country_code", VARCHAR(5)),
    Column("area_code", CHAR(3)),
    Column("prefix", CHAR(3)),
    Column("number", VARCHAR(4)),
    Column("type", INT),
    Column("foreign_id", INT),
    Index(None, "foreign_id"),
    **INNODB,
)
