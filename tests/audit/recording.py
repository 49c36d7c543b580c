"""A facade that records, and its rows as another program sees them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from sqlalchemy import Engine, delete, insert, select, text

from fhir_facade.audit.chain import heads
from fhir_facade.audit.overdue import Overdue
from fhir_facade.audit.reading import due, snapshot, stored
from fhir_facade.audit.seal import Seals, audit_key
from fhir_facade.audit.verify import Examination, Fault
from fhir_facade.audit.wiring import FOLDER
from mappers.facade.tables import fhir_audit, fhir_audit_due, fhir_audit_event
from mappers.query import SearchQuery
from tests.facade.facade import Facade, Resource, execute
from tests.services.database import DatabaseServer
from tests.smart_auth.badges import Badges, user

TABLES = (fhir_audit, fhir_audit_event)
RENAMED = (
    "ALTER TABLE fhir_audit RENAME TO fhir_audit_gone",
    "ALTER TABLE fhir_audit_gone RENAME TO fhir_audit",
)


@dataclass
class Recording:
    """The facade, the tokens it knows, and a writer of its rows."""

    facade: Facade
    badges: Badges
    rows: Engine
    server: DatabaseServer | None = None

    async def get(
        self, path: str, role: str = "doctor", method: str = "GET", **headers: str
    ) -> httpx.Response:
        """A request with a token of a role (or none, for the role '')."""
        if role:
            headers["authorization"] = self.badges.badge("user/*.rs", user(role))
        return await self.facade.request(method, path, headers)

    def records(self) -> list[dict[str, Any]]:
        """The records, in order."""
        with self.rows.connect() as connection:
            found = connection.execute(text("SELECT record FROM fhir_audit ORDER BY id")).scalars()
            return [orjson.loads(record) for record in found]

    async def last(self, path: str, role: str = "doctor", **more: str) -> dict[str, Any]:
        """The record that one request leaves; more or fewer than one is a failure."""
        before = len(self.records())
        await self.get(path, role, **more)
        (record,) = self.records()[before:]
        return record

    async def events(self) -> list[Resource]:
        """The AuditEvents of the facade's own trail."""
        service = self.facade.app.fhir.guard.service  # type: ignore[attr-defined]
        page = await service.engine.page(SearchQuery("AuditEvent"), 1000)
        found = [m for m in page.matches if isinstance(m, dict)]
        return [m for m in found if m["id"].startswith("access-")]

    def faults(self) -> list[Fault]:
        """What `audit verify` finds."""
        settings = self.facade.settings
        folder, seals = settings.data_path / FOLDER, Seals(audit_key(settings, make=False))
        examination = Examination(seals, list(heads(folder, seals)), folder)
        with self.rows.connect() as connection:
            snapshot(connection)
            return [*examination.promised(due(connection)), *examination.faults(stored(connection))]

    def due(self) -> int:
        """How many accesses the trail hasn't got yet."""
        with self.rows.connect() as connection:
            return len(list(due(connection)))

    @property
    def overdue(self) -> Overdue:
        """Who sees to these."""
        keeper = self.facade.app.fhir.keeper
        assert keeper is not None
        return Overdue(keeper.trail, self.facade.service.engine.database)


def query_of(record: dict[str, Any]) -> str:
    """The raw request in a record."""
    return base64.b64decode(record["query"]).decode()


@contextmanager
def forget(rows: Engine) -> Iterator[None]:
    """No rows, and numbers begin at 1 again; afterwards what was there is there again."""
    with rows.begin() as connection:
        kept = [(t, connection.execute(select(t)).mappings().all()) for t in TABLES]
    _empty(rows)
    try:
        yield
    finally:
        _empty(rows)
        with rows.begin() as connection:
            for table, found in kept:
                if found:
                    connection.execute(insert(table), [dict(row) for row in found])


def _empty(rows: Engine) -> None:
    with rows.begin() as connection:
        for table in reversed(TABLES):
            connection.execute(delete(table))
            if rows.dialect.name != "sqlite":
                connection.execute(text(f"ALTER TABLE {table.name} AUTO_INCREMENT = 1"))
        connection.execute(delete(fhir_audit_due))


@contextmanager
def gone(recording: Recording) -> Iterator[None]:
    """The table is away for a while."""
    execute(recording.rows, RENAMED[0])
    try:
        yield
    finally:
        execute(recording.rows, RENAMED[1])
