"""What users have allowed apps, so that they aren't asked again."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TABLE = "fhir_auth_approval"


def upgrade() -> None:
    """Makes the table: nothing is remembered yet."""
    op.create_table(
        TABLE,
        sa.Column("id", _exact(64), primary_key=True),
        sa.Column("subject", _exact(190), nullable=False),
        sa.Column("client_id", _exact(190), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
    )
    for column in ("subject", "expires"):
        op.create_index(f"ix_{TABLE}_{column}", TABLE, [column])


def downgrade() -> None:
    """Takes it away: everybody is asked again."""
    op.drop_table(TABLE)


def _exact(length: int) -> "sa.types.TypeEngine[str]":
    """Text that compares byte by byte."""
    binary = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return sa.String(length).with_variant(binary, "mysql", "mariadb")
