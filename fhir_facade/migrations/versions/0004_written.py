"""What clients write: resources, their search values, their versions, and events."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

BIGINT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.SmallInteger().with_variant(mysql.TINYINT(display_width=1), "mysql", "mariadb")
LONGTEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
MOMENT = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
INNODB: dict[str, Any] = {"mysql_engine": "InnoDB", "mariadb_engine": "InnoDB", "sqlite_autoincrement": True}


def _id() -> sa.Column[int]:
    return sa.Column("id", BIGINT, primary_key=True, autoincrement=True)


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "fhir_resource",
        _id(),
        sa.Column("resource_type", sa.VARCHAR(64), nullable=False),
        sa.Column("part", sa.VARCHAR(128), nullable=False),
        sa.Column("key_int", BIGINT),
        sa.Column("key_text", sa.VARCHAR(191)),
        sa.Column("version", BIGINT, nullable=False),
        sa.Column("last_updated", MOMENT, nullable=False),
        sa.Column("deleted", FLAG, nullable=False),
        sa.Column("content", LONGTEXT),
        sa.UniqueConstraint("part", "key_int", name="uq_fhir_resource_int"),
        sa.UniqueConstraint("part", "key_text", name="uq_fhir_resource_text"),
        **INNODB,
    )
    op.create_index("ix_fhir_resource_type", "fhir_resource", ["resource_type", "last_updated", "id"])
    op.create_table(
        "fhir_index",
        _id(),
        sa.Column("resource", BIGINT, nullable=False),
        sa.Column("resource_type", sa.VARCHAR(64), nullable=False),
        sa.Column("param", sa.VARCHAR(64), nullable=False),
        sa.Column("system", sa.VARCHAR(255)),
        sa.Column("value", sa.VARCHAR(255)),
        sa.Column("words", LONGTEXT),
        sa.Column("number", sa.DECIMAL(38, 12)),
        sa.Column("low", MOMENT),
        sa.Column("high", MOMENT),
        sa.Column("target_part", sa.VARCHAR(128)),
        sa.Column("target_int", BIGINT),
        sa.Column("target_text", sa.VARCHAR(191)),
        **INNODB,
    )
    for name, columns in (
        ("value", ("resource_type", "param", "value", "resource")),
        ("low", ("resource_type", "param", "low", "resource")),
        ("target_int", ("resource_type", "param", "target_part", "target_int", "resource")),
        ("target_text", ("resource_type", "param", "target_part", "target_text", "resource")),
        ("resource", ("resource", "param")),
    ):
        op.create_index(f"ix_fhir_index_{name}", "fhir_index", list(columns))
    op.create_table(
        "fhir_amended",
        sa.Column("resource", BIGINT, primary_key=True, autoincrement=False),
        sa.Column("param", sa.VARCHAR(64), primary_key=True),
        sa.Column("part", sa.VARCHAR(128), nullable=False),
        sa.Column("guard", sa.CHAR(64), nullable=False),
        mysql_engine="InnoDB",
        mariadb_engine="InnoDB",
    )
    op.create_index("ix_fhir_amended_part", "fhir_amended", ["part", "param", "resource"])
    op.create_table(
        "fhir_version",
        _id(),
        sa.Column("resource_type", sa.VARCHAR(64), nullable=False),
        sa.Column("resource_id", sa.VARCHAR(64), nullable=False),
        sa.Column("version_id", sa.VARCHAR(64), nullable=False),
        sa.Column("recorded", MOMENT, nullable=False),
        sa.Column("method", sa.VARCHAR(8), nullable=False),
        sa.Column("content", LONGTEXT),
        sa.Column("author", sa.VARCHAR(255)),
        sa.Column("client", sa.VARCHAR(255)),
        sa.Column("request_id", sa.VARCHAR(64)),
        **INNODB,
    )
    op.create_index("ix_fhir_version_recorded", "fhir_version", ["recorded"])
    op.create_index("ix_fhir_version_resource", "fhir_version", ["resource_type", "resource_id", "id"])
    op.create_table(
        "fhir_event",
        _id(),
        sa.Column("recorded", MOMENT, nullable=False),
        sa.Column("action", sa.VARCHAR(8), nullable=False),
        sa.Column("resource_type", sa.VARCHAR(64), nullable=False),
        sa.Column("resource_id", sa.VARCHAR(64), nullable=False),
        sa.Column("version_id", sa.VARCHAR(64), nullable=False),
        sa.Column("request_id", sa.VARCHAR(64)),
        **INNODB,
    )
    op.create_index("ix_fhir_event_recorded", "fhir_event", ["recorded"])


def downgrade() -> None:
    """Takes the tables away, and with them all that clients have written beyond the CDSS's columns."""
    for table in ("fhir_event", "fhir_version", "fhir_amended", "fhir_index", "fhir_resource"):
        op.drop_table(table)
