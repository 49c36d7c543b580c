"""What all of OpenEMR's tables have in common."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement, MetaData

OPENEMR = MetaData(schema="openemr")
INNODB: dict[str, Any] = {"mysql_engine": "InnoDB", "mariadb_engine": "InnoDB"}


def not_null(name: str, type_: Any, default: str | ColumnElement[Any] | None = None) -> Column[Any]:
    """A NOT NULL column with the schema's default, as nearly all of OpenEMR's are."""
    return Column(name, type_, nullable=False, server_default=default)
