"""Which session at the identity provider a login session belongs to, so that it ends with it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TABLE, COLUMN = "fhir_auth_session", "sid"


def upgrade() -> None:
    """Adds the column; who is signed in already has no such session."""
    binary = mysql.VARCHAR(64, charset="utf8mb4", collation="utf8mb4_bin")
    kind = sa.String(64).with_variant(binary, "mysql", "mariadb")
    op.add_column(TABLE, sa.Column(COLUMN, kind, nullable=False, server_default=""))
    op.create_index(f"ix_{TABLE}_{COLUMN}", TABLE, [COLUMN])


def downgrade() -> None:
    """Takes it away: sessions end by themselves only."""
    op.drop_index(f"ix_{TABLE}_{COLUMN}", TABLE)
    op.drop_column(TABLE, COLUMN)
