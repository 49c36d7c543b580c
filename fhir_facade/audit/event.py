"""One access, as what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from smart_auth.access.caller import Caller

#: issues and statuses below it are successes
FAILED, BROKEN = 400, 500


class Event(NamedTuple):
    """One access. `name` is a word of terminology/maps/facade_audit_*.csv; `query` is base64.

    `patients` are logical ids; `entities` all references that were served; `issue` is an issue-type.
    """

    name: str
    outcome: str = "0"
    status: int = 0
    issue: str = ""
    resource_type: str = ""
    id: str = ""
    query: str = ""
    address: str = ""
    request_id: str = ""
    client: str = ""
    caller: Caller | None = None
    patients: Sequence[str] = ()
    entities: Sequence[str] = ()
    details: Mapping[str, str] | None = None


def outcome_of(status: int) -> str:
    """audit-event-outcome of an HTTP status: success, minor failure (refused), serious failure (ours)."""
    return "0" if status < FAILED else "4" if status < BROKEN else "8"
