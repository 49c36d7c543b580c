"""OpenEMR's tables of orders of laboratory and imaging, and their results."""

from __future__ import annotations

from sqlalchemy import CHAR, TEXT, VARCHAR, Column, Index, Table

from mappers.column_types import BIGINT, FLAG, INT, NOW, NOW_ON_UPDATE, TINYINT, OneOf, SiteDateTime, Uuid16
from mappers.openemr.tables.schema import INNODB, OPENEMR, not_null

# Lab / imaging / procedure order header.
procedure_order = Table(
    "procedure_order",
    OPENEMR,
    Column("procedure_order_id", BIGINT, primary_key=True),
    Column("uuid", Uuid16(), unique=True),
    not_null("provider_id", BIGINT, "0"),
    not_null("patient_id", BIGINT),
    not_null("encounter_id", BIGINT, "0"),
    Column("date_collected", SiteDateTime()),
    Column("date_ordered", SiteDateTime()),
    not_null("order_priority", VARCHAR(31), ""),
    not_null("order_status", VARCHAR(31), ""),
    Column("patient_instructions", TEXT),
    not_null("activity", FLAG, "1"),
    not_null("control_id", VARCHAR(255), ""),
    not_null("lab_id", BIGINT, "0"),
    not_null("specimen_type", VARCHAR(31), ""),
    not_null("specimen_location", VARCHAR(31), ""),
    not_null("specimen_volume", VARCHAR(30), ""),
    Column("date_transmitted", SiteDateTime()),
    not_null("clinical_hx", VARCHAR(255), ""),
    Column("external_id", VARCHAR(20)),
    Column("history_order", OneOf("0", "1"), server_default="0"),
    Column("order_diagnosis", VARCHAR(255), server_default=""),
    Column("specimen_fasting", VARCHAR(31)),
    Column("order_psc", TINYINT),
    not_null("order_abn", VARCHAR(31), "not_required"),
    not_null("collector_id", BIGINT, "0"),
    not_null("procedure_order_type", VARCHAR(32), "laboratory_test"),
    Index(None, "date_ordered", "patient_id"),
    Index(None, "patient_id"),
    **INNODB,
)

# One line per test in an order.
procedure_order_code = Table(
    "procedure_order_code",
    OPENEMR,
    Column("procedure_order_id", BIGINT, primary_key=True, autoincrement=False),
    Column("procedure_order_seq", INT, primary_key=True, autoincrement=False),
    not_null("procedure_code", VARCHAR(64), ""),
    not_null("procedure_name", VARCHAR(255), ""),
    not_null("procedure_source", CHAR(1), "1"),
    Column("diagnoses", TEXT),
    not_null("do_not_send", FLAG, "0"),
    Column("procedure_order_title", VARCHAR(255)),
    Column("procedure_type", VARCHAR(31)),
    Column("transport", VARCHAR(31)),
    Column("date_end", SiteDateTime()),
    Column("reason_code", VARCHAR(31)),
    Column("reason_description", TEXT),
    Column("reason_date_low", SiteDateTime()),
    Column("reason_date_high", SiteDateTime()),
    Column("reason_status", VARCHAR(31)),
    **INNODB,
)

# Report(s) for an order line.
procedure_report = Table(
    "procedure_report",
    OPENEMR,
    Column("procedure_report_id", BIGINT, primary_key=True),
    Column("uuid", Uuid16(), unique=True),
    Column("procedure_order_id", BIGINT),
    not_null("procedure_order_seq", INT, "1"),
    Column("date_collected", SiteDateTime()),
    Column("date_collected_tz", VARCHAR(5), server_default=""),
    Column("date_report", SiteDateTime()),
    Column("date_report_tz", VARCHAR(5), server_default=""),
    not_null("source", BIGINT, "0"),
    not_null("specimen_num", VARCHAR(63), ""),
    not_null("report_status", VARCHAR(31), ""),
    not_null("review_status", VARCHAR(31), "received"),
    Column("report_notes", TEXT),
    Index(None, "procedure_order_id"),
    **INNODB,
)

# Single result values.
procedure_result = Table(
    "procedure_result",
    OPENEMR,
    Column("procedure_result_id", BIGINT, primary_key=True),
    Column("uuid", Uuid16(), unique=True),
    not_null("procedure_report_id", BIGINT),
    not_null("result_data_type", CHAR(1), "S"),
    not_null("result_code", VARCHAR(31), ""),
    not_null("result_text", VARCHAR(255), ""),
    Column("date", SiteDateTime()),
    not_null("facility", VARCHAR(255), ""),
    not_null("units", VARCHAR(31), ""),
    not_null("result", VARCHAR(255), ""),
    not_null("range", VARCHAR(255), ""),
    not_null("abnormal", VARCHAR(31), ""),
    Column("comments", TEXT),
    not_null("document_id", BIGINT, "0"),
    not_null("result_status", VARCHAR(31), ""),
    Column("date_end", SiteDateTime()),
    Index(None, "procedure_report_id"),
    **INNODB,
)

# Labs and other order recipients (interfaces).
procedure_providers = Table(
    "procedure_providers",
    OPENEMR,
    Column("ppid", BIGINT, primary_key=True),
    Column("uuid", Uuid16(), unique=True),
    not_null("name", VARCHAR(255), ""),
    not_null("npi", VARCHAR(15), ""),
    not_null("lab_director", BIGINT, "0"),
    not_null("active", FLAG, "1"),
    Column("type", VARCHAR(31)),
    not_null("date_created", SiteDateTime(), NOW),
    not_null("last_updated", SiteDateTime(), NOW_ON_UPDATE),
    **INNODB,
)

# Compendium tree of orderable tests, results, groups.
procedure_type = Table(
    "procedure_type",
    OPENEMR,
    Column("procedure_type_id", BIGINT, primary_key=True),
    not_null("parent", BIGINT, "0"),
    not_null("name", VARCHAR(63), ""),
    not_null("lab_id", BIGINT, "0"),
    not_null("procedure_code", VARCHAR(64), ""),
    not_null("procedure_type", VARCHAR(31), ""),
    not_null("body_site", VARCHAR(31), ""),
    not_null("specimen", VARCHAR(31), ""),
    not_null("laterality", VARCHAR(31), ""),
    not_null("description", VARCHAR(255), ""),
    not_null("standard_code", VARCHAR(255), ""),
    not_null("related_code", VARCHAR(255), ""),
    not_null("units", VARCHAR(31), ""),
    not_null("range", VARCHAR(255), ""),
    not_null("seq", INT, "0"),
    not_null("activity", FLAG, "1"),
    Index(None, "parent"),
    Index(None, "procedure_code"),
    **INNODB,
)
