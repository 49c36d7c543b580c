"""The audit trail: whether it can be written, how durable a commit is, who could change it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from fhir_facade.doctor.finding import Finding, Level, fine
from fhir_facade.doctor.rights import parsed
from fhir_facade.inspection import Catalogue
from fhir_facade.settings import Settings
from mappers.facade.tables import fhir_audit, fhir_audit_due, fhir_audit_event
from mappers.reach import CDSS_SCHEMA

AREA = "audit"
CHANGING = {"UPDATE", "DELETE", "DROP", "ALL", "ALL PRIVILEGES"}


def examine_audit(connection: Connection, settings: Settings, there: Catalogue) -> list[Finding]:
    """Nothing where no trail is written; `there` is what the database holds."""
    if not settings.audited:
        return []
    tables = [
        t.name
        for t in (fhir_audit, fhir_audit_event, fhir_audit_due)
        if (CDSS_SCHEMA, t.name) not in there.tables
    ]
    if tables:
        return [_missing(tables)]
    return [*_durability(connection), _rights(connection, settings)]


def _missing(tables: list[str]) -> Finding:
    costs = ("nothing is answered: no access can be recorded",)
    return Finding(Level.BROKEN, AREA, f"there is no {', '.join(tables)}", costs, "fhir-facade migrate")


def _durability(connection: Connection) -> Iterator[Finding]:
    for name in ("innodb_flush_log_at_trx_commit", "sync_binlog"):
        row = connection.exec_driver_sql(f"SHOW GLOBAL VARIABLES LIKE '{name}'").first()
        if name == "sync_binlog" and not _has_binlog(connection):
            continue
        if row is not None and str(row[1]) != "1":
            yield Finding(
                Level.ADVICE,
                AREA,
                f"{name} is {row[1]}: a commit may not be on disk yet",
                ("a power cut may take the last second's accesses with it",),
                f"SET GLOBAL {name} = 1, and in the server's configuration",
            )


def _has_binlog(connection: Connection) -> bool:
    row = connection.exec_driver_sql("SHOW GLOBAL VARIABLES LIKE 'log_bin'").first()
    return row is not None and str(row[1]).upper() in ("ON", "1")


def _rights(connection: Connection, settings: Settings) -> Finding:
    """A server can't take rights on two tables out of a grant on the schema, so this is told, not advised."""
    grants = parsed([str(row[0]) for row in connection.exec_driver_sql("SHOW GRANTS")])
    own = (fhir_audit.name, fhir_audit_event.name, "*")
    can = {r for g in grants if g.covers(settings.db_name) and g.table in own for r in g.rights & CHANGING}
    if not can:
        return fine(AREA, "this user can add to the trail and not change it")
    may = ", ".join(sorted(can))
    return fine(AREA, f"this user may {may} the trail's rows; seals show it (docs/operations/audit.md)")
