"""The demo hospital: all its rows, parents before children."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import MetaData

from mappers.cdss.tables import CDSS
from mappers.demo.imaging import study_rows
from mappers.demo.laboratory import laboratory_rows
from mappers.demo.openemr_forms import registry_rows, vitals_rows
from mappers.demo.rows import Row, rows_in
from mappers.openemr.tables import OPENEMR

HERE = Path(__file__).parent


def demo_rows() -> Iterator[Row]:
    """Every row of the demo in both databases, in an order that foreign keys allow."""
    yield from cdss_rows()
    yield from openemr_rows()


def cdss_rows() -> Iterator[Row]:
    """The demo's CDSS rows."""
    written = rows_in(HERE / "cdss_rows", CDSS.sorted_tables)
    yield from in_table_order(CDSS, [*written, *laboratory_rows(), *study_rows()])


def openemr_rows() -> Iterator[Row]:
    """The demo's OpenEMR rows."""
    written = list(rows_in(HERE / "openemr_rows", OPENEMR.sorted_tables))
    yield from in_table_order(OPENEMR, [*written, *registry_rows(written), *vitals_rows()])


def in_table_order(metadata: MetaData, rows: list[Row]) -> Iterator[Row]:
    """The rows with parents' tables first, and otherwise as given."""
    order = {table.name: position for position, table in enumerate(metadata.sorted_tables)}
    yield from sorted(rows, key=lambda row: order[row[0].name])
