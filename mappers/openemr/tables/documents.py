"""OpenEMR's tables of files and their categories."""

from __future__ import annotations

from sqlalchemy import VARCHAR, Column, Index, Table

from mappers.column_types import (
    BIGINT,
    FLAG,
    INT,
    MEDIUMTEXT,
    TINYINT,
    OneOf,
    SiteDate,
    SiteDateTime,
    UtcTimestamp,
    Uuid16,
)
from mappers.openemr.tables.schema import INNODB, OPENEMR, not_null

# Uploaded / generated files.
documents = Table(
    "documents",
    OPENEMR,
    Column("id", INT, primary_key=True, autoincrement=False, server_default="0"),
    Column("uuid", Uuid16(), unique=True),
    Column("type", OneOf("file_url", "blob", "web_url")),
    Column("size", INT),
    Column("date", SiteDateTime()),
    Column("date_expires", SiteDateTime()),
    Column("url", VARCHAR(255)),
    Column("mimetype", VARCHAR(255)),
    Column("owner", INT),
    not_null("revision", UtcTimestamp()),
    Column("foreign_id", BIGINT),
    Column("docdate", SiteDate()),
    Column("hash", VARCHAR(255)),
    not_null("list_id", BIGINT, "0"),
    Column("name", VARCHAR(255)),
    Column("drive_uuid", Uuid16(), unique=True),
    Column("couch_docid", VARCHAR(100)),
    not_null("storagemethod", TINYINT, "0"),
    Column("path_depth", TINYINT, server_default="1"),
    not_null("encounter_id", BIGINT, "0"),
    not_null("audit_master_approval_status", TINYINT, "1"),
    not_null("encrypted", TINYINT, "0"),
    Column("document_data", MEDIUMTEXT),
    not_null("deleted", FLAG, "0"),
    Column("foreign_reference_id", BIGINT),
    Column("foreign_reference_table", VARCHAR(40)),
    Index(None, "foreign_id"),
    Index(None, "owner"),
    Index(None, "revision"),
    Index(None, "foreign_reference_id", "foreign_reference_table"),
    **INNODB,
)

# Document category tree (nested set).
categories = Table(
    "categories",
    OPENEMR,
    Column("id", INT, primary_key=True, autoincrement=False, server_default="0"),
    Column("name", VARCHAR(255)),
    Column("value", VARCHAR(255)),
    not_null("parent", INT, "0"),
    not_null("lft", INT, "0"),
    not_null("rght", INT, "0"),
    not_null("aco_spec", VARCHAR(63), "patients|docs"),
    not_null("codes", VARCHAR(255), ""),
    Index(None, "parent"),
    Index(None, "lft", "rght"),
    **INNODB,
)

# m:n document ↔ category.
categories_to_documents = Table(
    "categories_to_documents",
    OPENEMR,
    Column("category_id", INT, primary_key=True, autoincrement=False, server_default="0"),
    Column("document_id", INT, primary_key=True, autoincrement=False, server_default="0"),
    **INNODB,
)
