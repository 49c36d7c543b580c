"""Why a value isn't there, where a profile demands that it be said.

https://hl7.org/fhir/R4/extension-data-absent-reason.html
"""

from __future__ import annotations

from typing import Any

from mappers.sql import NEVER, Condition, negate
from mappers.value import Columns, Read, Value

URL = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def absent_because(reason: str) -> dict[str, Any]:
    """What stands beside a primitive element (`_birthDate`) that has no value."""
    return {"extension": [{"url": URL, "valueCode": reason}]}


class Absent(Value):
    """The reason in place of a primitive value that a row doesn't have: for an element `_name`."""

    def __init__(self, value: Value, reason: str = "unknown") -> None:
        self.value, self.reason, self.joins = value, absent_because(reason), value.joins

    def reader(self, columns: Columns) -> Read:
        read, reason = self.value.reader(columns), self.reason
        return lambda row: reason if read(row) is None else None

    def present(self) -> Condition:
        return negate(self.value.present())


class Unsaid(Value):
    """The reason in place of an object that must be there: it holds no value, and is found by none."""

    def __init__(self, reason: str = "unknown") -> None:
        self.reason = absent_because(reason)

    def reader(self, columns: Columns) -> Read:
        reason = self.reason
        return lambda row: reason

    def present(self) -> Condition:
        return NEVER
