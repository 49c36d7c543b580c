"""Numbers that OpenEMR keeps as text: ids of patients, users and insurers in VARCHAR columns."""

from __future__ import annotations

from sqlalchemy import Integer, case, cast, func

from mappers.value import Column


def number_in(column: Column) -> Column:
    """The whole number in a text column, NULL for anything else (MySQL's cast would make 0 of it)."""
    return case((column.regexp_match("^ *[0-9]+ *$"), cast(func.trim(column), Integer)))
