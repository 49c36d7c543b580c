"""What clients have written: whether all of its search values were made by this version's parameters."""

from __future__ import annotations

from sqlalchemy import Connection, and_, func, select

from fhir_facade.doctor.finding import Finding, Level, fine
from fhir_facade.inspection import Catalogue
from fhir_facade.registry import everything
from mappers.facade.tables import fhir_resource
from mappers.reach import CDSS_SCHEMA
from mappers.stored.search_values import INDEXED
from mappers.write.reindexing import stored

AREA = "search values"


def examine_search_values(connection: Connection, there: Catalogue) -> list[Finding]:
    """Nothing where nothing can be written; `there` is what the database holds."""
    columns = {c.column for c in there.columns if c.of == (CDSS_SCHEMA, fhir_resource.name)}
    if not columns:
        return []
    if "indexed" not in columns:
        costs = ("nothing can be written",)
        text = f"{fhir_resource.name} has no column `indexed`"
        return [Finding(Level.ADVICE, AREA, text, costs, "fhir-facade migrate")]
    lacking = and_(fhir_resource.c.indexed < INDEXED, stored(everything()))
    return [_told(int(connection.execute(select(func.count()).where(lacking)).scalar_one()))]


def _told(count: int) -> Finding:
    if not count:
        return fine(AREA, "what clients have written is found by all that it says")
    return Finding(
        Level.ADVICE,
        AREA,
        f"{count:,} resources that clients have written lack those of newer search parameters",
        ("searches by these don't find them",),
        "fhir-facade reindex",
    )
