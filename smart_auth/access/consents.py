"""Whose record somebody of outside may see: patients' consents, in force from the moment they are kept."""

from __future__ import annotations

import time

from sqlalchemy import BindParameter, bindparam, select

from mappers.database import Database
from smart_auth.store.tables import Consent, columns


class Consented:
    """Asks which consents are in force."""

    def __init__(self, database: Database) -> None:
        held = columns(Consent)
        moment: BindParameter[int] = bindparam("moment")
        wanted = select(held.patient).where(
            held.grantee == bindparam("grantee"),
            held.withdrawn == 0,
            held.begins <= moment,
            held.expires > moment,
        )
        self._database = database
        self._compiled = wanted.compile(dialect=database.dialect)

    async def patients(self, grantee: str) -> tuple[str, ...]:
        """The ids of the patients who let `Practitioner/…` see their record just now, in order."""
        if not grantee:
            return ()
        values = {**self._compiled.params, "grantee": grantee, "moment": int(time.time())}
        parameters = tuple(values[name] for name in self._compiled.positiontup or ())
        rows = await self._database.fetch(str(self._compiled), parameters)
        return tuple(sorted({str(row[0]) for row in rows}))
