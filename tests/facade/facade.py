"""The facade in this process, as a client sees it and as its engine sees it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.pool import NullPool

from fhir_facade.app import create_app
from fhir_facade.authorization import KEY_FILE
from fhir_facade.guard import Callers
from fhir_facade.service import Service
from fhir_facade.settings import Settings
from mappers.demo import awkward_rows, create_embedded, load
from mappers.demo.embedded import CDSS_FILE, OPENEMR_FILE
from mappers.query import SearchQuery
from tests.services.database import CDSS, OPENEMR, DatabaseServer

ORIGIN = "http://facade.test"
BASE = f"{ORIGIN}/api/fhir"
Resource = dict[str, Any]
#: the audit trail's tables, those first that refer to others
TRAIL = ("fhir_audit_event", "fhir_audit", "fhir_audit_due")


class Facade:
    """One application; `get` and `post` take paths below the FHIR base, or absolute links of its own."""

    def __init__(self, settings: Settings, callers: Callers | None = None) -> None:
        self.settings = settings
        self.app = create_app(settings, callers)
        transport = httpx.ASGITransport(self.app)
        self.http = httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"accept-encoding": ""})
        self._all: dict[str, list[Resource]] = {}

    @property
    def service(self) -> Service:
        """What the application answers with."""
        return self.app.fhir.service

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """GET; header names with `_` for `-`."""
        return await self.request("GET", path, headers=headers)

    async def post(self, path: str, form: str | bytes = "", **headers: str) -> httpx.Response:
        """POST of an already encoded form."""
        stated = {"content-type": "application/x-www-form-urlencoded"} | headers
        return await self.request("POST", path, stated, form)

    async def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, content: str | bytes = b""
    ) -> httpx.Response:
        """Any request, its path or query as they are."""
        url = path if path.startswith("http") else f"{BASE}/{path}" if path else BASE
        sent = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        return await self.http.request(method, url, headers=sent, content=content)

    async def bundle(self, path: str, **headers: str) -> Resource:
        """A searchset; anything else is a failure that shows what came instead."""
        response = await self.get(path, **headers)
        assert response.status_code == 200, f"{path}: {response.status_code} {response.text[:500]}"
        found: Resource = response.json()
        return found

    async def all(self, resource_type: str) -> list[Resource]:
        """Every resource of a type, as Python values with decimals as they are; read once, then kept."""
        if resource_type not in self._all:
            self._all[resource_type] = await self.read_all(resource_type)
        return self._all[resource_type]

    async def read_all(self, resource_type: str) -> list[Resource]:
        """Every readable resource of a type, page by page."""
        engine, found, after = self.service.engine, list[Resource](), None
        while True:
            page = await engine.page(SearchQuery(resource_type), 500, after, strict=True)
            found += [m for m in page.matches if isinstance(m, dict)]
            if (after := page.after) is None:
                return found

    async def close(self) -> None:
        """Gives the database's connections back."""
        await self.http.aclose()
        if self.app.authorization is not None:
            await self.app.authorization.provider.close()
        await self.app.fhir.guard.close()
        if self.app.fhir.keeper is not None:
            await self.app.fhir.keeper.trail.close()
        await self.app.follower.archive.close()
        await self.service.engine.database.close()
        if self.app.authorization:
            self.app.authorization.store.engine.dispose()


def ids(bundle: Resource, mode: str = "match") -> list[str]:
    """`Type/id` of the entries of one search mode, in order."""
    found = [e["resource"] for e in bundle.get("entry", []) if e["search"]["mode"] == mode]
    return [f"{r['resourceType']}/{r.get('id')}" for r in found]


def link(bundle: Resource, relation: str) -> str | None:
    """The url of a link, if there is one."""
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


def embedded_folder(folder: Path) -> Path:
    """The embedded databases with the demo's and the awkward rows."""
    create_embedded(folder)
    with embedded_engine(folder).begin() as connection:
        load(connection, awkward_rows())
    return folder


def copy_databases(data: Path, folder: Path) -> None:
    """The embedded databases as they are, in a new folder, by SQLite itself: a program that opens and closes
    the file of a database loses the locks by which others know that it is in use. Without the trail: its key
    stays behind.
    """
    folder.mkdir(parents=True)
    for name in (CDSS_FILE, OPENEMR_FILE):
        with (
            closing(sqlite3.connect(data / name)) as source,
            closing(sqlite3.connect(folder / name)) as target,
        ):
            source.backup(target)
    copy = embedded_engine(folder)
    there = inspect(copy).get_table_names()
    execute(copy, *(f"DELETE FROM {name}" for name in TRAIL if name in there))  # noqa: S608


def embedded_engine(folder: Path) -> Engine:
    """A writer of the embedded databases, both schemas attached."""
    engine = create_engine(f"sqlite:///{folder / CDSS_FILE}", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def attach(connection: Any, record: Any) -> None:
        connection.execute("ATTACH DATABASE ? AS openemr", (str(folder / OPENEMR_FILE),))

    return engine


def settings_of(data: Path, server: DatabaseServer | None = None, **changes: Any) -> Settings:
    """The settings of a facade over the embedded databases in `data`, or over a server; open to all.

    The audit trail is off unless a test asks for it, since all share the rows.
    """
    settings = Settings(
        data_dir=str(data),
        public_base_url=ORIGIN,
        enable_security=False,
        rate_limit_sign_in=10**6,
        audit="off",
    )
    if server is not None:
        _share_secret(data)
        settings = replace(
            settings,
            db_host=server.host,
            db_port=server.port,
            db_user=server.facade.name,
            db_password=server.facade.password,
            db_name=CDSS,
            openemr_db_name=OPENEMR,
        )
    return replace(settings, **changes)


def _share_secret(data: Path) -> None:
    """All who stand before one server have one secret, as the workers of a deployment do."""
    path = data / KEY_FILE
    if not path.exists():
        path.write_bytes(b"one secret of all tests' facades"[:32])


def writer(facade: Facade, server: DatabaseServer | None = None) -> Engine:
    """Another program's access to the databases that a facade reads: as the owner, both schemas."""
    return server.engine(server.owner) if server else embedded_engine(facade.settings.data_path)


def execute(engine: Engine, *statements: str) -> None:
    """Plain SQL, as another program writes it, in one transaction."""
    with engine.begin() as connection:
        for sql in statements:
            connection.execute(text(sql))
