"""What both kinds of patch must leave as it was, and what they may not leave behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fhir_facade.incoming_json import refuse_depth
from fhir_facade.outcome import FhirFault, Issue

Resource = dict[str, Any]
#: operations of one patch
MOST_OPERATIONS = 500
_SERVERS = ("versionId", "lastUpdated")


def finished(before: Mapping[str, Any], after: Any) -> Resource:
    """The patched resource without what JSON in FHIR never holds: empty lists and objects.

    Raises 422 where what names the resource, or what only the server says of it, was changed:
    https://hl7.org/fhir/R4/http.html#patch; 400 where it is nested deeper than what may be sent.
    """
    kind = before["resourceType"]
    if not isinstance(after, dict):
        raise FhirFault(422, "invalid", "the patch leaves no resource", (kind,))
    refuse_depth(after)
    result: Resource = _pruned(after)
    if faults := list(_changed(before, result)):
        first, *more = faults
        raise FhirFault(422, first.code, first.diagnostics, first.expression, more=tuple(more))
    return result


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Issue]:
    kind = before["resourceType"]
    for name in ("resourceType", "id"):
        if after.get(name) != before.get(name):
            yield Issue("business-rule", f"a patch can't change {name}", expression=(f"{kind}.{name}",))
    was, now = before.get("meta", {}), after.get("meta", {})
    for name in _SERVERS:
        if isinstance(now, dict) and name in now and now[name] != was.get(name):
            text = f"meta.{name} is the server's to set"
            yield Issue("business-rule", text, expression=(f"{kind}.meta.{name}",))


def _pruned(value: Any) -> Any:
    """Without members that hold nothing; lists of primitives' ids and extensions keep their nulls."""
    if isinstance(value, dict):
        kept = ((name, _pruned(one)) for name, one in value.items())
        return {name: one for name, one in kept if one not in ([], {}) and one is not None}
    if isinstance(value, list):
        items = [_pruned(one) for one in value]
        return [one for one in items if one not in ([], {})] if any(one is not None for one in items) else []
    return value
