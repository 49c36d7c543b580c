"""Jobs: work that outlives a request, and who does it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")


def exact(length: int) -> sa.types.TypeEngine[str]:
    """Text that is compared byte by byte."""
    binary = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return sa.String(length).with_variant(binary, "mysql", "mariadb")


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "fhir_job",
        sa.Column("id", exact(64), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("client", exact(190), nullable=False),
        sa.Column("holder", exact(64), nullable=False),
        sa.Column("payload", LONG_TEXT, nullable=False),
        sa.Column("checkpoint", LONG_TEXT, nullable=False),
        sa.Column("result", LONG_TEXT, nullable=False),
        sa.Column("progress", sa.String(100), nullable=False),
        sa.Column("owner", exact(64), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
    )
    op.create_index("ix_fhir_job_state_due", "fhir_job", ["state", "due"])
    for column in ("client", "expires"):
        op.create_index(f"ix_fhir_job_{column}", "fhir_job", [column])


def downgrade() -> None:
    """Takes the table away."""
    op.drop_table("fhir_job")
