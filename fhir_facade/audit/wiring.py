"""The trail that the settings ask for."""

from __future__ import annotations

from datetime import UTC, datetime

from fhir_facade.audit.mysql_store import MySqlStore
from fhir_facade.audit.seal import Seals, audit_key
from fhir_facade.audit.sqlite_store import SqliteStore
from fhir_facade.audit.store import Store
from fhir_facade.audit.trail import Trail
from fhir_facade.settings import Settings
from mappers.database import Database, MySql
from mappers.site import Site

FOLDER = "audit"


def trail_of(settings: Settings, site: Site, database: Database) -> Trail | None:
    """The trail, or None where none is written; SettingFault for a key that can't be used."""
    if not settings.audited:
        return None
    return Trail(
        _store(settings, database),
        settings.data_path / FOLDER,
        Seals(audit_key(settings, make=True)),
        lambda: datetime.now(UTC).astimezone(site.tz),
        settings.base_url,
        required=settings.audit_required,
    )


def _store(settings: Settings, database: Database) -> Store:
    return (
        MySqlStore(database) if isinstance(database, MySql) else SqliteStore(settings.data_path / "cdss.db")
    )
