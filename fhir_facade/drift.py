"""Drift: what the mappings read and the databases don't have is taken out; the rest is served."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from sqlalchemy.exc import DBAPIError

from fhir_facade.inspection import Catalogue, catalogue, indexes, inspecting_engine
from fhir_facade.settings import SettingFault, Settings
from mappers.facade.tables import (
    fhir_amended,
    fhir_audit_due,
    fhir_index,
    fhir_report_signature,
    fhir_resource,
    fhir_version,
)
from mappers.index_order import Indexes
from mappers.mapping import ResourceMapping
from mappers.reach import CDSS_SCHEMA, ColumnName, Names, all_names
from mappers.reduced import Loss, reduced
from mappers.stored.rest import read_only

Mappings = Mapping[str, ResourceMapping]
#: the tables of what clients write
WRITTEN = (fhir_resource, fhir_index, fhir_amended, fhir_version, fhir_audit_due, fhir_report_signature)
NOT_MIGRATED = "nothing can be written: the facade's own tables are missing (run `fhir-facade migrate`)"
OLDER = "DB_NAME: the facade's own tables are older than this version: run `fhir-facade migrate`"
log = logging.getLogger("fhir_facade.drift")


@dataclass(frozen=True)
class Fitted:
    """The mappings that the databases can serve, in words what was taken out, and the indexes found."""

    mappings: dict[str, ResourceMapping]
    degraded: tuple[str, ...] = ()
    indexes: Indexes = field(default_factory=dict)


def fitted(settings: Settings, mappings: Mappings, hospital: Mappings) -> Fitted:
    """The mappings without what the databases lack. A database that can't be asked now is taken as whole.

    Where clients can't have written anything yet, the `hospital`'s are served all the same, and nothing can
    be written. Raises SettingFault where our own tables are older than this version: rows would be served
    without what clients said of them, deleted ones again and those with labels to everybody.
    """
    try:
        with inspecting_engine(settings).connect() as connection:
            there, held = catalogue(connection, settings), indexes(connection, settings)
    except DBAPIError as error:
        log.warning("the databases can't be compared with the mappings now: %s", type(error.orig).__name__)
        return Fitted(dict(mappings))
    written = _written(there)
    if not written:
        mappings = {name: read_only(mapping, NOT_MIGRATED) for name, mapping in hospital.items()}
    found = fit(mappings, there)
    degraded = found.degraded if written else (NOT_MIGRATED, *found.degraded)
    for text in degraded:
        log.warning("degraded: %s", text)
    return replace(found, degraded=degraded, indexes=held.in_order)


def check(settings: Settings) -> None:
    """Raises SettingFault as `fitted` does, before any worker is started; a database that is away passes."""
    with suppress(DBAPIError), inspecting_engine(settings).connect() as connection:
        _written(catalogue(connection, settings))


def _written(there: Catalogue) -> bool:
    """Whether clients may have written something; raises SettingFault where not all of it could be read."""
    if (CDSS_SCHEMA, fhir_resource.name) not in there.tables:
        return False
    own = {(c.table, c.column) for c in there.columns if c.schema == CDSS_SCHEMA}
    if not own >= {(t.name, c.name) for t in WRITTEN for c in t.columns}:
        raise SettingFault(OLDER)
    return True


def fit(mappings: Mappings, there: Catalogue) -> Fitted:
    """The mappings without what a catalogue lacks."""
    missing = missing_columns(mappings, there)
    left, losses = reduced(mappings, missing)
    return Fitted(left, tuple(told(mappings, left, losses, there)))


def missing_columns(mappings: Mappings, there: Catalogue) -> Names:
    """The columns that mappings need and the databases lack; names of columns are compared without case."""
    present = {(c.of, c.column.lower()) for c in there.columns}
    return frozenset(n for n in all_names(mappings) if (n.of, n.column.lower()) not in present)


def told(mappings: Mappings, left: Mappings, losses: Sequence[Loss], there: Catalogue) -> list[str]:
    """What was taken out, in words: one sentence a type for its parts, and one a part for its elements."""
    sentences = []
    for name, mapping in mappings.items():
        mine = [loss for loss in losses if loss.resource_type == name]
        gone = [loss for loss in mine if not loss.path]
        if gone:
            sentences.append(_parts(name, mapping, gone, there))
        parts = dict.fromkeys(loss.part for loss in mine if loss.path)
        sentences += [_elements(name, [x for x in mine if x.part == p and x.path], there) for p in parts]
        lost = [p for p in mapping.params if name in left and p not in left[name].params]
        if lost:
            sentences.append(f"{name} can't be searched by {', '.join(lost)}")
    return sentences


def _parts(name: str, mapping: ResourceMapping, gone: Sequence[Loss], there: Catalogue) -> str:
    causes = cause(frozenset(n for loss in gone for n in loss.missing), there)
    if len(gone) == len(mapping.parts):
        return f"{name} is not served (missing: {causes})"
    shown = [loss.part for loss in gone[:3]] + (["…"] if len(gone) > 3 else [])
    counted = f"{len(gone)} of {len(mapping.parts)} sources of {name} are not served"
    return f"{counted}: {', '.join(shown)} (missing: {causes})"


def _elements(name: str, losses: Sequence[Loss], there: Catalogue) -> str:
    causes = cause(frozenset(n for loss in losses for n in loss.missing), there)
    paths = ", ".join(dict.fromkeys(loss.path.replace("[]", "") for loss in losses))
    return f"{name} from {losses[0].part} lacks (in part or whole) {paths} (missing: {causes})"


def cause(missing: Names, there: Catalogue) -> str:
    """What is missing, as few words as do: a schema, tables, columns."""
    schemas = {n.schema for n in missing} - there.schemas
    tables = {n.of for n in missing if n.schema not in schemas} - there.tables
    columns: list[ColumnName] = sorted(n for n in missing if n.schema not in schemas and n.of not in tables)
    words = [f"schema {s}" for s in sorted(schemas)]
    words += [f"table {schema}.{table}" for schema, table in sorted(tables)]
    return ", ".join([*words, *(f"column {c}" for c in columns)])
