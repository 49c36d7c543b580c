"""Studies by date and time: the order in which searches of images tell them."""

from collections.abc import Sequence

from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

TABLE, ORDER, DATE = "fhir_dicom_study", "ix_fhir_dicom_study_order", "ix_fhir_dicom_study_study_date"


def upgrade() -> None:
    """Makes the index, which begins with that of the date alone."""
    op.create_index(ORDER, TABLE, ["study_date", "study_time"])
    op.drop_index(DATE, TABLE)


def downgrade() -> None:
    """Back to the date alone."""
    op.create_index(DATE, TABLE, ["study_date"])
    op.drop_index(ORDER, TABLE)
