"""Deletions by time: an export's look for them needs none of the other versions."""

from collections.abc import Sequence

from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TABLE, INDEX = "fhir_version", "ix_fhir_version_method"


def upgrade() -> None:
    """Makes the index."""
    op.create_index(INDEX, TABLE, ["method", "recorded", "id"])


def downgrade() -> None:
    """Takes it away."""
    op.drop_index(INDEX, TABLE)
