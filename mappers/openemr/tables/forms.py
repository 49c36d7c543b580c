"""OpenEMR's tables of clinical forms: vital signs and notes."""

from __future__ import annotations

from sqlalchemy import TEXT, VARCHAR, Column, Index, Table

from mappers.column_types import BIGINT, NOW_ON_UPDATE, TINYINT, DecimalText, SiteDate, SiteDateTime, Uuid16
from mappers.openemr.tables.schema import INNODB, OPENEMR, not_null

# One row per vital-signs form; many measurements per row.
form_vitals = Table(
    "form_vitals",
    OPENEMR,
    Column("id", BIGINT, primary_key=True),
    Column("uuid", Uuid16(), unique=True),
    Column("date", SiteDateTime()),
    Column("pid", BIGINT, server_default="0"),
    Column("user", VARCHAR(255)),
    Column("authorized", TINYINT, server_default="0"),
    Column("activity", TINYINT, server_default="0"),
    Column("bps", VARCHAR(40)),
    Column("bpd", VARCHAR(40)),
    Column("weight", DecimalText(12, 6), server_default="0.000000"),
    Column("height", DecimalText(12, 6), server_default="0.000000"),
    Column("temperature", DecimalText(12, 6), server_default="0.000000"),
    Column("temp_method", VARCHAR(255)),
    Column("pulse", DecimalText(12, 6), server_default="0.000000"),
    Column("respiration", DecimalText(12, 6), server_default="0.000000"),
    Column("note", VARCHAR(255)),
    Column("BMI", DecimalText(12, 6), server_default="0.000000"),
    Column("BMI_status", VARCHAR(255)),
    Column("waist_circ", DecimalText(12, 6), server_default="0.000000"),
    Column("head_circ", DecimalText(12, 6), server_default="0.000000"),
    Column("oxygen_saturation", DecimalText(6, 2), server_default="0.00"),
    Column("oxygen_flow_rate", DecimalText(12, 6), server_default="0.000000"),
    Column("external_id", VARCHAR(20)),
    Column("ped_weight_height", DecimalText(6, 2), server_default="0.00"),
    Column("ped_bmi", DecimalText(6, 2), server_default="0.00"),
    Column("ped_head_circ", DecimalText(6, 2), server_default="0.00"),
    Column("inhaled_oxygen_concentration", DecimalText(6, 2), server_default="0.00"),
    not_null("last_updated", SiteDateTime(), NOW_ON_UPDATE),
    Index(None, "pid"),
    **INNODB,
)

# Interpretation and reason of one measurement of a vital-signs form.
form_vital_details = Table(
    "form_vital_details",
    OPENEMR,
    Column("id", BIGINT, primary_key=True),
    not_null("form_id", BIGINT),
    not_null("vitals_column", VARCHAR(64)),
    Column("interpretation_list_id", VARCHAR(100)),
    Column("interpretation_option_id", VARCHAR(100)),
    Column("interpretation_codes", VARCHAR(255)),
    Column("interpretation_title", VARCHAR(255)),
    Column("reason_code", VARCHAR(31)),
    Column("reason_description", TEXT),
    Column("reason_status", VARCHAR(31)),
    Index(None, "form_id"),
    Index(None, "interpretation_list_id", "interpretation_option_id"),
    **INNODB,
)

# Notes of an encounter; with a category they are diagnostic reports.
form_clinical_notes = Table(
    "form_clinical_notes",
    OPENEMR,
    Column("id", BIGINT, primary_key=True),
    not_null("form_id", BIGINT),
    Column("uuid", Uuid16(), unique=True),
    Column("date", SiteDate()),
    Column("pid", BIGINT),
    Column("encounter", VARCHAR(255)),
    Column("user", VARCHAR(255)),
    Column("authorized", TINYINT),
    Column("activity", TINYINT),
    Column("code", VARCHAR(255)),
    Column("codetext", TEXT),
    Column("description", TEXT),
    Column("external_id", VARCHAR(30)),
    Column("clinical_notes_type", VARCHAR(100)),
    Column("clinical_notes_category", VARCHAR(100)),
    Column("note_related_to", TEXT),
    not_null("last_updated", SiteDateTime(), NOW_ON_UPDATE),
    **INNODB,
)
