"""The facade's own tables in the CDSS's schema: their names start with `fhir_`, Alembic makes them.

No collation is stated: they take the schema's, so that their keys compare with the CDSS's.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CHAR, VARCHAR, Column, Index, SmallInteger, Table, UniqueConstraint
from sqlmodel import SQLModel

from mappers.column_types import BIGINT, FLAG, LONGTEXT, MEDIUMTEXT, DecimalText, SiteDateTime

FACADE = SQLModel.metadata
INNODB: dict[str, Any] = {"mysql_engine": "InnoDB", "mariadb_engine": "InnoDB"}

#: one row an access: `record` says everything (JSON), the columns repeat of it what is searched
fhir_audit = Table(
    "fhir_audit",
    FACADE,
    Column("id", BIGINT, primary_key=True, autoincrement=True),
    Column("chain", VARCHAR(32), nullable=False),
    Column("sequence", BIGINT, nullable=False),
    Column("event", VARCHAR(32), nullable=False),
    Column("outcome", VARCHAR(2), nullable=False),
    Column("user_id", BIGINT, index=True),
    Column("user_patient", VARCHAR(64)),
    Column("username", VARCHAR(150)),
    Column("user_name", VARCHAR(255)),
    Column("client", VARCHAR(255)),
    Column("address", VARCHAR(64)),
    Column("server", VARCHAR(255)),
    Column("token", VARCHAR(255)),
    Column("entity_type", VARCHAR(64)),
    Column("entity_id", VARCHAR(64), index=True),
    Column("record", MEDIUMTEXT, nullable=False),
    Column("seal", CHAR(32), nullable=False),
    Column("link", CHAR(32), nullable=False),
    **INNODB,
    sqlite_autoincrement=True,
)

#: one row an AuditEvent: an access that showed several patients is one AuditEvent for each
fhir_audit_event = Table(
    "fhir_audit_event",
    FACADE,
    Column("id", BIGINT, primary_key=True, autoincrement=False),
    Column("audit_id", BIGINT, nullable=False, index=True),
    Column("recorded", SiteDateTime(6), nullable=False, index=True),
    Column("patient_id", VARCHAR(64), index=True),
    Column("openemr_pid", BIGINT, index=True),
    **INNODB,
)

#: `fhir_audit_event.id` is `audit_id` times this, plus the event's number within the access
EVENTS_AN_ACCESS = 10_000

#: accesses that have written something, in the transaction that did, until the trail has them: an outbox.
#: `records` is JSON, a list of what `fhir_audit.record` will say; `created` is seconds since 1970
fhir_audit_due = Table(
    "fhir_audit_due",
    FACADE,
    Column("id", CHAR(32), primary_key=True),
    Column("created", BIGINT, nullable=False),
    Column("records", LONGTEXT, nullable=False),
    Column("seal", CHAR(32), nullable=False),
    **INNODB,
)

#: what clients have written. `part` '': the whole resource; else the rest of a row that a part's columns
#: can't hold (its key is `key_int` or `key_text`). A deleted one keeps its row as the tombstone.
#: `indexed`: by which number of `mappers.stored.search_values` its rows in `fhir_index` were made
fhir_resource = Table(
    "fhir_resource",
    FACADE,
    Column("id", BIGINT, primary_key=True, autoincrement=True),
    Column("resource_type", VARCHAR(64), nullable=False),
    Column("part", VARCHAR(128), nullable=False),
    Column("key_int", BIGINT),
    Column("key_text", VARCHAR(191)),
    Column("version", BIGINT, nullable=False),
    Column("last_updated", SiteDateTime(6), nullable=False),
    Column("deleted", FLAG, nullable=False),
    Column("content", LONGTEXT),
    Column("indexed", SmallInteger, nullable=False, server_default="0", index=True),
    UniqueConstraint("part", "key_int", name="uq_fhir_resource_int"),
    UniqueConstraint("part", "key_text", name="uq_fhir_resource_text"),
    Index("ix_fhir_resource_type", "resource_type", "last_updated", "id"),
    **INNODB,
    sqlite_autoincrement=True,
)

#: search values of what `fhir_resource` holds: a row a value, `resource` its id there; of a composite's value
#: `of_system` and `of_code` hold the code that it is said of
fhir_index = Table(
    "fhir_index",
    FACADE,
    Column("id", BIGINT, primary_key=True, autoincrement=True),
    Column("resource", BIGINT, nullable=False),
    Column("resource_type", VARCHAR(64), nullable=False),
    Column("param", VARCHAR(64), nullable=False),
    Column("system", VARCHAR(255)),
    Column("value", VARCHAR(255)),
    Column("words", LONGTEXT),
    Column("number", DecimalText(38, 12)),
    Column("low", SiteDateTime(6)),
    Column("high", SiteDateTime(6)),
    Column("target_part", VARCHAR(128)),
    Column("target_int", BIGINT),
    Column("target_text", VARCHAR(191)),
    Column("of_system", VARCHAR(255)),
    Column("of_code", VARCHAR(255)),
    Index("ix_fhir_index_value", "resource_type", "param", "value", "resource"),
    Index("ix_fhir_index_low", "resource_type", "param", "low", "resource"),
    Index("ix_fhir_index_target_int", "resource_type", "param", "target_part", "target_int", "resource"),
    Index("ix_fhir_index_target_text", "resource_type", "param", "target_part", "target_text", "resource"),
    Index("ix_fhir_index_of", "resource_type", "param", "of_code", "resource"),
    Index("ix_fhir_index_resource", "resource", "param"),
    **INNODB,
    sqlite_autoincrement=True,
)

#: rows that are searched by what was sent of them: for which parameter, while these columns are unchanged
fhir_amended = Table(
    "fhir_amended",
    FACADE,
    Column("resource", BIGINT, primary_key=True, autoincrement=False),
    Column("param", VARCHAR(64), primary_key=True),
    Column("part", VARCHAR(128), nullable=False),
    Column("guard", CHAR(64), nullable=False),
    Index("ix_fhir_amended_part", "part", "param", "resource"),
    **INNODB,
)

#: who signed a radiology report through us: the RIS has a column for who wrote it only. It holds as long as
#: the RIS's row was signed at that moment
fhir_report_signature = Table(
    "fhir_report_signature",
    FACADE,
    Column("id", BIGINT, primary_key=True, autoincrement=True),
    Column("report_id", BIGINT, nullable=False, unique=True),
    Column("signer_id", BIGINT),
    Column("signed_at", SiteDateTime(6), nullable=False),
    **INNODB,
    sqlite_autoincrement=True,
)

#: every version that a client has written, and those of others that one has written over
fhir_version = Table(
    "fhir_version",
    FACADE,
    Column("id", BIGINT, primary_key=True, autoincrement=True),
    Column("resource_type", VARCHAR(64), nullable=False),
    Column("resource_id", VARCHAR(64), nullable=False),
    Column("version_id", VARCHAR(64), nullable=False),
    Column("recorded", SiteDateTime(6), nullable=False, index=True),
    Column("method", VARCHAR(8), nullable=False),
    Column("content", LONGTEXT),
    Column("author", VARCHAR(255)),
    Column("client", VARCHAR(255)),
    Column("request_id", VARCHAR(64)),
    Index("ix_fhir_version_resource", "resource_type", "resource_id", "id"),
    Index("ix_fhir_version_method", "method", "recorded", "id"),
    **INNODB,
    sqlite_autoincrement=True,
)

#: what has changed, in the transaction that changed it: an outbox
fhir_event = Table(
    "fhir_event",
    FACADE,
    Column("id", BIGINT, primary_key=True, autoincrement=True),
    Column("recorded", SiteDateTime(6), nullable=False, index=True),
    Column("action", VARCHAR(8), nullable=False),
    Column("resource_type", VARCHAR(64), nullable=False),
    Column("resource_id", VARCHAR(64), nullable=False),
    Column("version_id", VARCHAR(64), nullable=False),
    Column("request_id", VARCHAR(64)),
    **INNODB,
    sqlite_autoincrement=True,
)
