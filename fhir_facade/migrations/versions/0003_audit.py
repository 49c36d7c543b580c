"""The audit trail: one row an access, and one an AuditEvent."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")


def upgrade() -> None:
    """Makes both tables."""
    op.create_table(
        "fhir_audit",
        sa.Column("id", BIGINT, primary_key=True, autoincrement=True),
        sa.Column("chain", sa.VARCHAR(32), nullable=False),
        sa.Column("sequence", BIGINT, nullable=False),
        sa.Column("event", sa.VARCHAR(32), nullable=False),
        sa.Column("outcome", sa.VARCHAR(2), nullable=False),
        sa.Column("user_id", BIGINT),
        sa.Column("user_patient", sa.VARCHAR(64)),
        sa.Column("username", sa.VARCHAR(150)),
        sa.Column("user_name", sa.VARCHAR(255)),
        sa.Column("client", sa.VARCHAR(255)),
        sa.Column("address", sa.VARCHAR(64)),
        sa.Column("server", sa.VARCHAR(255)),
        sa.Column("token", sa.VARCHAR(255)),
        sa.Column("entity_type", sa.VARCHAR(64)),
        sa.Column("entity_id", sa.VARCHAR(64)),
        sa.Column("record", LONG_TEXT, nullable=False),
        sa.Column("seal", sa.CHAR(32), nullable=False),
        sa.Column("link", sa.CHAR(32), nullable=False),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    for column in ("user_id", "entity_id"):
        op.create_index(f"ix_fhir_audit_{column}", "fhir_audit", [column])
    op.create_table(
        "fhir_audit_event",
        sa.Column("id", BIGINT, primary_key=True, autoincrement=False),
        sa.Column("audit_id", BIGINT, nullable=False),
        sa.Column("recorded", MOMENT, nullable=False),
        sa.Column("patient_id", sa.VARCHAR(64)),
        sa.Column("openemr_pid", BIGINT),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
    )
    for column in ("audit_id", "recorded", "patient_id", "openemr_pid"):
        op.create_index(f"ix_fhir_audit_event_{column}", "fhir_audit_event", [column])


def downgrade() -> None:
    """Takes both tables away, and with them the trail."""
    op.drop_table("fhir_audit_event")
    op.drop_table("fhir_audit")
