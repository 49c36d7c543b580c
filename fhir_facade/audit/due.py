"""What a write owes the trail: kept in the write's own transaction, so that no write is ever without it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Insert, insert

from fhir_facade.audit.prepared import Prepared, of_record
from fhir_facade.audit.seal import Seals
from mappers.facade.tables import fhir_audit_due


@dataclass(frozen=True)
class Due:
    """The records of an access, in JSON; `id` names its row as long as the trail hasn't got them."""

    id: str
    records: str

    @classmethod
    def of(cls, records: Sequence[str]) -> Due:
        """A new one."""
        return cls(os.urandom(16).hex(), f"[{','.join(records)}]")

    def rows(self) -> list[Prepared]:
        """What the trail is to write."""
        return [of_record(record) for record in orjson.loads(self.records)]

    def kept(self, seals: Seals) -> Insert:
        """The statement that keeps it; its seal is what only the holder of the trail's key can make."""
        return insert(fhir_audit_due).values(
            id=self.id, created=int(time.time()), records=self.records, seal=seals.due(self.id, self.records)
        )
