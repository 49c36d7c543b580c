"""OpenEMR's tables of visits, the calendar, and the registry of clinical forms."""

from __future__ import annotations

from sqlalchemy import TEXT, VARCHAR, Column, Index, Table

from mappers.column_types import (
    BIGINT,
    FLAG,
    INT,
    LONGTEXT,
    NOW_ON_UPDATE,
    SMALLINT,
    TINYINT,
    UNSIGNED_INT,
    SiteDate,
    SiteDateTime,
    SiteTime,
    UtcTimestamp,
    Uuid16,
)
from mappers.openemr.tables.schema import INNODB, OPENEMR, not_null

# One row per visit/encounter.
form_encounter = Table(
    "form_encounter",
    OPENEMR,
    Column("id", BIGINT, primary_key=True),
    Column("uuid", Uuid16(), unique=True),
    Column("date", SiteDateTime()),
    Column("reason", LONGTEXT),
    Column("facility", LONGTEXT),
    not_null("facility_id", INT, "0"),
    Column("pid", BIGINT),
    Column("encounter", BIGINT),
    Column("onset_date", SiteDateTime()),
    Column("sensitivity", VARCHAR(30)),
    Column("billing_note", TEXT),
    not_null("pc_catid", INT, "5"),
    not_null("last_level_billed", INT, "0"),
    not_null("last_level_closed", INT, "0"),
    Column("provider_id", INT, server_default="0"),
    Column("supervisor_id", INT, server_default="0"),
    not_null("referral_source", VARCHAR(31), ""),
    not_null("billing_facility", INT, "0"),
    Column("external_id", VARCHAR(20)),
    Column("pos_code", TINYINT),
    Column("parent_encounter_id", BIGINT),
    not_null("class_code", VARCHAR(10), "AMB"),
    Column("discharge_disposition", VARCHAR(100)),
    Column("encounter_type_code", VARCHAR(31)),
    Column("encounter_type_description", TEXT),
    Column("referring_provider_id", INT, server_default="0"),
    Column("date_end", SiteDateTime()),
    Column("in_collection", FLAG),
    not_null("last_update", UtcTimestamp(), NOW_ON_UPDATE),
    Column("ordering_provider_id", INT, server_default="0"),
    Index(None, "pid", "encounter"),
    Index(None, "date"),
    **INNODB,
)

# Registry of every clinical form attached to an encounter.
forms = Table(
    "forms",
    OPENEMR,
    Column("id", BIGINT, primary_key=True),
    Column("date", SiteDateTime()),
    Column("encounter", BIGINT),
    Column("form_name", LONGTEXT),
    Column("form_id", BIGINT),
    Column("pid", BIGINT),
    Column("user", VARCHAR(255)),
    Column("authorized", TINYINT),
    not_null("deleted", TINYINT, "0"),
    Column("formdir", LONGTEXT),
    Column("therapy_group_id", INT),
    not_null("issue_id", BIGINT, "0"),
    not_null("provider_id", BIGINT, "0"),
    Index(None, "pid", "encounter"),
    Index(None, "form_id"),
    **INNODB,
)

# Link between an issue (lists) and the encounters that dealt with it.
issue_encounter = Table(
    "issue_encounter",
    OPENEMR,
    Column("pid", BIGINT, primary_key=True, autoincrement=False),
    Column("list_id", BIGINT, primary_key=True, autoincrement=False),
    Column("encounter", BIGINT, primary_key=True, autoincrement=False),
    not_null("resolved", FLAG, "0"),
    **INNODB,
)

# Calendar: appointments and provider availability.
openemr_postcalendar_events = Table(
    "openemr_postcalendar_events",
    OPENEMR,
    Column("pc_eid", UNSIGNED_INT, primary_key=True),
    not_null("pc_catid", INT, "0"),
    not_null("pc_multiple", UNSIGNED_INT),
    Column("pc_aid", VARCHAR(30)),
    Column("pc_pid", VARCHAR(11)),
    Column("pc_gid", INT, server_default="0"),
    Column("pc_title", VARCHAR(150)),
    Column("pc_time", SiteDateTime()),
    Column("pc_hometext", TEXT),
    Column("pc_informant", VARCHAR(20)),
    not_null("pc_eventDate", SiteDate(), "0000-00-00"),
    not_null("pc_endDate", SiteDate(), "0000-00-00"),
    not_null("pc_duration", BIGINT, "0"),
    not_null("pc_recurrtype", INT, "0"),
    Column("pc_recurrspec", TEXT),
    Column("pc_startTime", SiteTime()),
    Column("pc_endTime", SiteTime()),
    not_null("pc_alldayevent", INT, "0"),
    not_null("pc_eventstatus", INT, "0"),
    not_null("pc_apptstatus", VARCHAR(15), "-"),
    not_null("pc_prefcatid", INT, "0"),
    not_null("pc_facility", INT, "0"),
    not_null("pc_sendalertsms", VARCHAR(3), "NO"),
    not_null("pc_sendalertemail", VARCHAR(3), "NO"),
    not_null("pc_billing_location", SMALLINT, "0"),
    not_null("pc_room", VARCHAR(20), ""),
    Column("uuid", Uuid16(), unique=True),
    Index(None, "pc_eventDate"),
    **INNODB,
)

# Calendar / visit categories.
openemr_postcalendar_categories = Table(
    "openemr_postcalendar_categories",
    OPENEMR,
    Column("pc_catid", UNSIGNED_INT, primary_key=True),
    Column("pc_constant_id", VARCHAR(255), unique=True),
    Column("pc_catname", VARCHAR(100)),
    Column("pc_catdesc", TEXT),
    not_null("pc_duration", BIGINT, "0"),
    not_null("pc_cattype", INT),
    not_null("pc_active", FLAG, "1"),
    not_null("pc_seq", INT, "0"),
    not_null("aco_spec", VARCHAR(63), "encounters|notes"),
    not_null("pc_last_updated", SiteDateTime(), NOW_ON_UPDATE),
    **INNODB,
)
