"""The facade's own tables in the CDSS's schema: their names start with `fhir_`, Alembic makes them.

No collation is stated: they take the schema's, so that their keys compare with the CDSS's.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CHAR, VARCHAR, Column, Table
from sqlmodel import SQLModel

from mappers.column_types import BIGINT, MEDIUMTEXT, SiteDateTime

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
