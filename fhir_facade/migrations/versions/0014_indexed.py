"""By which number of the index a stored resource's search values were made: who lacks newer ones is seen."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TABLE, COLUMN = "fhir_resource", "indexed"
INDEX = f"ix_{TABLE}_{COLUMN}"


def upgrade() -> None:
    """Adds the column; what was written before says 0, and `fhir-facade reindex` finds it by that."""
    op.add_column(TABLE, sa.Column(COLUMN, sa.SmallInteger(), nullable=False, server_default="0"))
    op.create_index(INDEX, TABLE, [COLUMN])


def downgrade() -> None:
    """Takes it away."""
    op.drop_index(INDEX, TABLE)
    op.drop_column(TABLE, COLUMN)
