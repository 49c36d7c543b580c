"""Values of composite search parameters: with each value the code that it is of."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TABLE, INDEX = "fhir_index", "ix_fhir_index_of"


def upgrade() -> None:
    """Adds the columns; what was written before is found by them once it is written again."""
    for name in ("of_system", "of_code"):
        op.add_column(TABLE, sa.Column(name, sa.VARCHAR(255)))
    op.create_index(INDEX, TABLE, ["resource_type", "param", "of_code", "resource"])


def downgrade() -> None:
    """Takes them away."""
    op.drop_index(INDEX, TABLE)
    for name in ("of_code", "of_system"):
        op.drop_column(TABLE, name)
