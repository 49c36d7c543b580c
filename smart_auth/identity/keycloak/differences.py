"""Where what Keycloak holds differs from what is wanted; what it holds beside that is no difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: never shown
SECRET = frozenset({"secret"})


def different(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The wanted values that aren't held; of an object inside, it suffices that it holds what is wanted."""
    return {name: value for name, value in wanted.items() if not _holds(held.get(name), value)}


def _holds(held: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(held, Mapping) and not different(held, wanted)
    if isinstance(wanted, list):
        return sorted(map(str, held or [])) == sorted(map(str, wanted))
    return bool(held == wanted)


def told(held: Mapping[str, Any], differing: Mapping[str, Any]) -> str:
    """The differences in words: `failureFactor 30 → 5, secret changed`."""
    return ", ".join(
        f"{name} changed"
        if name in SECRET or isinstance(value, (dict, list))
        else f"{name} {held.get(name)} → {value}"
        for name, value in differing.items()
    )
