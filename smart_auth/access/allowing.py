"""Which of the scopes that were asked for may be given: never more than what stands, letter for letter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smart_auth.access.scopes import CONTEXT_SCOPES, Scope, scope, split


def known(texts: Iterable[str]) -> list[str]:
    """Those that mean something here; what is odd is left out."""
    return [text for text in texts if text in CONTEXT_SCOPES or scope(text)]


def allowed(registered: str, texts: Iterable[str]) -> list[str]:
    """Those that a client is registered for: the scope itself, or one that holds all of it."""
    own = split(registered)
    wide = [found for text in own if (found := scope(text))]
    return [text for text in texts if text in own or _within(scope(text), wide)]


def _within(asked: Scope | None, wide: Sequence[Scope]) -> bool:
    return asked is not None and any(_holds(one, asked) for one in wide)


def _holds(wide: Scope, asked: Scope) -> bool:
    same_query = not wide.query or wide.query == asked.query
    wider_type = wide.resource_type in ("*", asked.resource_type)
    return wide.level == asked.level and wider_type and same_query and asked.permissions <= wide.permissions


def fitting(texts: Iterable[str], context: dict[str, object]) -> list[str]:
    """Without those whose context there isn't: `patient/` without a patient, `launch` without a launch."""
    has = {name: name in context for name in ("patient", "encounter", "launch")}
    return [text for text in texts if _fits(text, has)]


def _fits(text: str, has: dict[str, bool]) -> bool:
    found = scope(text)
    if found:
        return found.level == "user" or (found.level == "patient" and has["patient"])
    needs = {"launch": "launch", "launch/patient": "patient", "launch/encounter": "encounter"}.get(text)
    return needs is None or has[needs]
