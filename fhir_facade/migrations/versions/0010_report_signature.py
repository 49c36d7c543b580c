"""Who signed a radiology report, where somebody else wrote it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "fhir_report_signature",
        sa.Column("id", BIGINT, primary_key=True, autoincrement=True),
        sa.Column("report_id", BIGINT, nullable=False, unique=True),
        sa.Column("signer_id", BIGINT),
        sa.Column("signed_at", MOMENT, nullable=False),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Takes the table away: of reports that others signed, their author is told as the signer then."""
    op.drop_table("fhir_report_signature")
