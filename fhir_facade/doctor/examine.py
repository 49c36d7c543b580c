"""The whole examination, in order, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from fhir_facade.doctor.audit import examine_audit
from fhir_facade.doctor.encryption import examine_encryption
from fhir_facade.doctor.finding import Finding, Level, fine
from fhir_facade.doctor.imaging import examine_imaging
from fhir_facade.doctor.indexes import Index, statements, tables_of, wanted
from fhir_facade.doctor.plans import examine_plans
from fhir_facade.doctor.rights import examine_rights
from fhir_facade.doctor.schema import Mappings, examine_schema
from fhir_facade.doctor.search_values import examine_search_values
from fhir_facade.doctor.server import examine_server
from fhir_facade.drift import fit
from fhir_facade.inspection import catalogue, indexes, inspecting_engine, schemas_of
from fhir_facade.settings import Settings
from mappers.engine import Engine


@dataclass(frozen=True)
class Report:
    """What was found, and the statements that would make the advised indexes."""

    findings: tuple[Finding, ...]
    ddl: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 fine, 1 advice or degraded, 2 broken."""
        return int(max((f.level for f in self.findings), default=Level.FINE))

    def text(self) -> str:
        """For people."""
        lines = [line for finding in self.findings for line in finding.lines()]
        if self.ddl:
            lines += ["", "Indexes that would help (nothing was changed):", *(f"  {s}" for s in self.ddl)]
        return "\n".join(lines)

    def json(self) -> str:
        """For programs."""
        found = {"findings": [f.as_json() for f in self.findings], "ddl": list(self.ddl)}
        return json.dumps(found, ensure_ascii=False, indent=2)


def examine(settings: Settings, mappings: Mappings, engine: Engine, zone: str, min_rows: int) -> Report:
    """Everything about the settings' databases; `engine` compiles for them, `zone` is their sessions'."""
    try:
        with inspecting_engine(settings).connect() as connection:
            return _examined(connection, settings, mappings, engine, zone, min_rows)
    except DBAPIError as error:
        code = error.orig.args[0] if error.orig and error.orig.args else type(error.orig).__name__
        return Report((Finding(Level.BROKEN, "server", f"the databases can't be asked: {code}"),))


def _examined(
    connection: Connection, settings: Settings, mappings: Mappings, engine: Engine, zone: str, min_rows: int
) -> Report:
    there = catalogue(connection, settings)
    findings = examine_schema(mappings, there)
    if settings.embedded:
        embedded = fine(
            "server", f"embedded databases in {settings.data_path}: no rights or indexes to look at"
        )
        imaging = examine_imaging(connection, settings, there)
        indexed = examine_search_values(connection, there)
        return Report((embedded, examine_encryption(settings), *findings, *imaging, *indexed))
    findings = [*examine_server(connection, settings, zone), *examine_rights(connection, settings), *findings]
    _as_served(connection, zone)
    names, held = schemas_of(settings), indexes(connection, settings)
    able = Engine(fit(mappings, there).mappings, engine.database, engine.site, indexes=held.in_order)
    tables = tables_of(connection, names, held.every)
    advised = wanted(able.mappings, tables, min_rows)
    findings += examine_plans(connection, able, tables, min_rows)
    findings += _indexes(advised, min_rows)
    findings += [*examine_audit(connection, settings, there), examine_encryption(settings)]
    findings += [*examine_imaging(connection, settings, there), *examine_search_values(connection, there)]
    return Report(tuple(findings), tuple(statements(advised, {v: k for k, v in names.items()})))


def _as_served(connection: Connection, zone: str) -> None:
    """The session as the server's own are, so that plans are the ones that it gets."""
    collation = connection.exec_driver_sql(
        "SELECT DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()"
    ).scalar_one()
    connection.exec_driver_sql(f"SET NAMES utf8mb4 COLLATE {collation}")
    connection.exec_driver_sql("SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'")


def _indexes(advised: dict[Index, list[str]], min_rows: int) -> Sequence[Finding]:
    if not advised:
        return [fine("indexes", f"tables of {min_rows:,} rows or more have those for the usual searches")]
    return [
        Finding(
            Level.ADVICE,
            "indexes",
            f"{i.schema}.{i.table} has none on {', '.join(i.columns)}",
            tuple(searches),
        )
        for i, searches in sorted(advised.items())
    ]
