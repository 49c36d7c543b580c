"""Where apps have the browser back once they have signed their user out."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TABLE, COLUMN = "fhir_auth_client", "post_logout_redirect_uris"


def upgrade() -> None:
    """Adds the column; clients that are there have registered none."""
    op.add_column(TABLE, sa.Column(COLUMN, sa.Text))


def downgrade() -> None:
    """Takes it away: browsers go back to redirect URIs only."""
    op.drop_column(TABLE, COLUMN)
