"""The index of the imaging archive, its quarantine, and how far its changes were followed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("position", "quarantine", "instance", "series", "study")


def uid(name: str, *, key: bool = False) -> sa.Column[str]:
    """A UID; `key`: the table's own."""
    return sa.Column(name, sa.VARCHAR(64), nullable=False, primary_key=key)


def text(name: str, length: int = 255) -> sa.Column[str]:
    """A text that is there, if empty."""
    return sa.Column(name, sa.VARCHAR(length), nullable=False, server_default="")


def number(name: str) -> sa.Column[int]:
    """A number that an instance may lack."""
    return sa.Column(name, sa.Integer())


def upgrade() -> None:
    """Makes the tables."""
    _study()
    _series()
    _instance()
    _quarantine()
    op.create_table(
        "fhir_dicom_position",
        sa.Column("archive", sa.VARCHAR(64), primary_key=True),
        text("position", 64),
        text("owner", 64),
        sa.Column("lease_until", BIGINT, nullable=False),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
    )


def _study() -> None:
    op.create_table(
        "fhir_dicom_study",
        uid("study", key=True),
        text("patient_id", 64),
        text("issuer", 64),
        text("patient_name", 350),
        text("patient_birth_date", 8),
        text("patient_sex", 16),
        text("study_date", 8),
        text("study_time", 16),
        text("accession_number", 64),
        text("study_id", 64),
        text("description"),
        text("referring_physician", 350),
        text("patient", 32),
        text("ris_study", 32),
        sa.Column("attributes", LONG_TEXT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
    )
    _indexes("study", "patient_id", "study_date", "accession_number", "patient", "ris_study")


def _series() -> None:
    op.create_table(
        "fhir_dicom_series",
        uid("series", key=True),
        uid("study"),
        text("modality", 16),
        number("number"),
        text("description"),
        text("body_part", 64),
        text("laterality", 16),
        text("performer", 350),
        text("series_date", 8),
        text("series_time", 16),
        text("performed_date", 8),
        text("performed_time", 16),
        sa.Column("attributes", LONG_TEXT, nullable=False),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
    )
    _indexes("series", "study")


def _instance() -> None:
    op.create_table(
        "fhir_dicom_instance",
        uid("instance", key=True),
        uid("series"),
        uid("study"),
        text("sop_class", 64),
        text("transfer_syntax", 64),
        *(number(name) for name in ("number", "row_count", "column_count", "bits_allocated", "frames")),
        sa.Column("size", BIGINT, nullable=False),
        text("place", 128),
        text("digest", 64),
        sa.Column("metadata", LONG_TEXT, nullable=False),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
    )
    _indexes("instance", "series", "study")


def _quarantine() -> None:
    op.create_table(
        "fhir_dicom_quarantine",
        sa.Column("id", BIGINT, primary_key=True, autoincrement=True),
        uid("instance"),
        uid("series"),
        uid("study"),
        text("patient_id", 64),
        text("accession_number", 64),
        text("reason", 64),
        text("place", 128),
        text("digest", 64),
        sa.Column("recorded", MOMENT, nullable=False),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
        sqlite_autoincrement=True,
    )
    _indexes("quarantine", "instance", "study", "recorded")


def _indexes(table: str, *columns: str) -> None:
    for column in columns:
        op.create_index(f"ix_fhir_dicom_{table}_{column}", f"fhir_dicom_{table}", [column])


def downgrade() -> None:
    """Takes the tables away, with what the index knew; the archive has it all."""
    for table in TABLES:
        op.drop_table(f"fhir_dicom_{table}")
