"""What the audit trail still owes: a row for each write, until the trail has it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "fhir_audit_due",
        sa.Column("id", sa.CHAR(32), primary_key=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("records", LONG_TEXT, nullable=False),
        sa.Column("seal", sa.CHAR(32), nullable=False),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
    )


def downgrade() -> None:
    """Takes the table away; what is in it is lost to the trail."""
    op.drop_table("fhir_audit_due")
