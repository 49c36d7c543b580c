"""The server itself: which it is, the site's zone, collations."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from fhir_facade.doctor.finding import Finding, Level, fine
from fhir_facade.settings import Settings

AREA = "server"


def examine_server(connection: Connection, settings: Settings, zone: str) -> list[Finding]:
    """Version, zone and collations; `zone` is the one that sessions are put into."""
    version = connection.exec_driver_sql("SELECT VERSION()").scalar_one()
    found = [fine(AREA, f"version {version}"), _zone(connection, zone), *_collations(connection, settings)]
    return found


def _zone(connection: Connection, zone: str) -> Finding:
    """TIMESTAMP columns are shown in the session's zone; one with changing offsets needs the zone tables."""
    known = connection.exec_driver_sql(
        "SELECT CONVERT_TZ('2025-01-01 00:00:00', '+00:00', %s)", (zone,)
    ).scalar_one()
    if known is not None:
        return fine(AREA, f"sessions are in the site's zone ({zone})")
    return Finding(
        Level.BROKEN,
        AREA,
        f"the server doesn't know the zone {zone}, whose offset changes over the year",
        ("every connection is refused, so nothing is served",),
        "mysql_tzinfo_to_sql /usr/share/zoneinfo | mysql -u root mysql",
    )


def _collations(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Both schemas in utf8mb4; where their collations differ, comparisons state one."""
    rows = connection.exec_driver_sql(
        "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME "
        "FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN (%s, %s)",
        (settings.db_name, settings.openemr_db_name),
    ).all()
    narrow = {str(name): charset for name, charset, _ in rows if charset != "utf8mb4"}
    for name, charset in narrow.items():
        text = f"the default character set of {name} is {charset}, not utf8mb4"
        yield Finding(Level.ADVICE, AREA, text, ("texts that don't fit it can't be found",))
    if not narrow:
        yield fine(AREA, "collations " + ", ".join(f"{name} {collation}" for name, _, collation in rows))
