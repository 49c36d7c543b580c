"""A facade with access control and a trail, and the means to be anybody who exports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete
from sqlmodel import select

from smart_auth.access.caller import User
from smart_auth.store.tables import Key
from smart_auth.tokens.minting import Granted
from tests.export.client import FIRST
from tests.facade.facade import Facade
from tests.smart_auth.app import register, server_of

DOCTOR = User("sub-2", "doctor", "박의사", frozenset({"doctor"}), "Practitioner/user-2")
NURSE = User("sub-3", "nurse", "이간호", frozenset({"nurse"}), "Practitioner/user-3")
PATIENT = User("sub-9", "patient1", "김영희", frozenset({"patient"}), f"Patient/{FIRST}")


@dataclass
class Guarded:
    """A facade with access control and a trail, and the means to be anybody."""

    facade: Facade
    rows: Any

    def token(self, client_id: str, scopes: str, user: User | None = None, **context: str) -> str:
        """The Authorization header of a client, of a person's if there is one."""
        grant = f"grant-{client_id}" if user else ""
        granted = Granted(client_id, tuple(scopes.split()), user, grant, dict(context))
        return f"Bearer {server_of(self.facade).minting.access_token(granted, 300)}"

    def service(self, scopes: str = "system/*.rs") -> tuple[str, str]:
        """A registered backend service: its id and header."""
        keys = '{"keys": [{"kty": "EC"}]}'
        client = register(self.facade, kind="asymmetric", backend=True, jwks=keys, scopes=scopes)
        return client.client_id, self.token(client.client_id, scopes)

    def events(self, name: str = "export") -> list[dict[str, Any]]:
        """The records of one kind in the trail, in order."""
        with self.rows.connect() as connection:
            found = connection.exec_driver_sql("SELECT record FROM fhir_audit ORDER BY id").scalars()
            records = [json.loads(record) for record in found]
        return [r for r in records if r["event"] == name]


@contextmanager
def own_keys(facade: Facade) -> Iterator[None]:
    """Signing keys of this facade's own secret; those of others that share the database are put back."""
    with server_of(facade).store.transaction() as session:
        others = [Key(**key.model_dump()) for key in session.exec(select(Key))]
        session.execute(delete(Key))
    yield
    with server_of(facade).store.transaction() as session:
        session.execute(delete(Key))
        session.add_all(others)
