"""The facade's own tables: those that start with `fhir_`. Nothing else in the CDSS's schema is touched."""

from __future__ import annotations

from typing import Any

from sqlmodel import SQLModel

import fhir_facade.jobs.tables  # noqa: F401 - declares its table
import mappers.facade.imaging
import mappers.facade.tables  # noqa: F401 - declares its tables
import smart_auth.store.tables  # noqa: F401 - declares its tables

#: the tables that the facade owns, all SQLModel; those of the CDSS and of OpenEMR are never among them
OWN = SQLModel.metadata
#: where Alembic notes which migrations a database has had
VERSIONS = "fhir_alembic_version"
#: starts with `fhir_`, but is the CDSS's
NOT_OURS = frozenset({"fhir_synclog"})


def is_ours(table: str) -> bool:
    """Whether a table is the facade's own."""
    return table.startswith("fhir_") and table not in NOT_OURS


def include_object(item: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
    """Whether Alembic may see an object: the facade's own tables, and what belongs to them."""
    table = name if type_ == "table" else getattr(getattr(item, "table", None), "name", None)
    return table is not None and is_ours(table)
