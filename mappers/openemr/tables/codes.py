"""OpenEMR's tables of pick lists, code dictionaries, and ids of resources without a row."""

from __future__ import annotations

from sqlalchemy import TEXT, VARCHAR, Column, Index, Table

from mappers.column_types import (
    BIGINT,
    FLAG,
    INT,
    NOW,
    NOW_ON_UPDATE,
    SMALLINT,
    TINYINT,
    FloatText,
    SiteDateTime,
    UtcTimestamp,
    Uuid16,
)
from mappers.openemr.tables.schema import INNODB, OPENEMR, not_null

# All pick lists (value sets).
list_options = Table(
    "list_options",
    OPENEMR,
    Column("list_id", VARCHAR(100), primary_key=True, server_default=""),
    Column("option_id", VARCHAR(100), primary_key=True, server_default=""),
    not_null("title", VARCHAR(255), ""),
    not_null("seq", INT, "0"),
    not_null("is_default", FLAG, "0"),
    not_null("option_value", FloatText(), "0"),
    not_null("mapping", VARCHAR(31), ""),
    Column("notes", TEXT),
    not_null("codes", VARCHAR(255), ""),
    not_null("activity", TINYINT, "1"),
    not_null("subtype", VARCHAR(31), ""),
    not_null("timestamp", UtcTimestamp(), NOW),
    not_null("last_updated", SiteDateTime(), NOW_ON_UPDATE),
    **INNODB,
)

# Local code dictionary (CVX, CPT, ICD9/10 when loaded locally, RXCUI …).
codes = Table(
    "codes",
    OPENEMR,
    Column("id", INT, primary_key=True),
    Column("code_text", TEXT),
    Column("code_text_short", TEXT),
    not_null("code", VARCHAR(25), ""),
    Column("code_type", SMALLINT),
    not_null("modifier", VARCHAR(12), ""),
    not_null("related_code", VARCHAR(255), ""),
    Column("active", FLAG, server_default="1"),
    Column("reportable", FLAG, server_default="0"),
    Index(None, "code"),
    Index(None, "code_type"),
    **INNODB,
)

# Registry of code systems.
code_types = Table(
    "code_types",
    OPENEMR,
    Column("ct_key", VARCHAR(15), primary_key=True),
    Column("ct_id", INT, nullable=False, unique=True),
    not_null("ct_seq", INT, "0"),
    not_null("ct_diag", FLAG, "0"),
    not_null("ct_active", FLAG, "1"),
    not_null("ct_label", VARCHAR(31), ""),
    not_null("ct_external", FLAG, "0"),
    not_null("ct_proc", FLAG, "0"),
    not_null("ct_term", FLAG, "0"),
    not_null("ct_problem", FLAG, "0"),
    not_null("ct_drug", FLAG, "0"),
    **INNODB,
)

# Ids of resources without a row of their own (one per LOINC code of a vital-signs form, Locations, Groups).
uuid_mapping = Table(
    "uuid_mapping",
    OPENEMR,
    Column("id", BIGINT, primary_key=True),
    Column("uuid", Uuid16(), nullable=False, index=True),
    Column("resource", VARCHAR(255), nullable=False, server_default="", index=True),
    not_null("resource_path", VARCHAR(255), ""),
    Column("table", VARCHAR(255), nullable=False, server_default="", index=True),
    Column("target_uuid", Uuid16(), nullable=False, index=True),
    Column("created", UtcTimestamp()),
    **INNODB,
)
