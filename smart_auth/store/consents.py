"""Patients' consents as rows: given, withdrawn, never removed."""

from __future__ import annotations

import uuid

from sqlmodel import col, select

from smart_auth.store.tables import Consent
from smart_auth.store.transaction import Store, now


class Consents:
    """All consents that were ever given."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def give(self, patient: str, grantee: str, seconds: int, by_whom: str = "") -> Consent:
        """Keeps a consent that begins now."""
        moment = now()
        made = Consent(
            id=uuid.uuid4().hex,
            patient=patient,
            grantee=grantee,
            by_whom=by_whom,
            created=moment,
            begins=moment,
            expires=moment + seconds,
        )
        with self._store.transaction() as session:
            session.add(made)
        return made

    def withdraw(self, id_: str) -> Consent | None:
        """Ends a consent, and gives it back; None where there is none in force with that id."""
        with self._store.transaction() as session:
            found = session.get(Consent, id_)
            if found is None or found.withdrawn:
                return None
            found.withdrawn = now()
            session.add(found)
        return found

    def all(self) -> list[Consent]:
        """Every consent, the newest first."""
        with self._store.transaction() as session:
            return list(session.exec(select(Consent).order_by(col(Consent.created).desc())))
