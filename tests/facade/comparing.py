"""What one resource says beside another."""

from __future__ import annotations

from typing import Any

from tests.facade.facade import Resource


def no_more(less: Any, more: Any) -> bool:
    """Whether everything that is said on the left is said on the right."""
    if isinstance(less, dict) and isinstance(more, dict):
        return all(k in more and no_more(v, more[k]) for k, v in less.items())
    if isinstance(less, list) and isinstance(more, list):
        return all(any(no_more(one, other) for other in more) for one in less)
    return bool(less == more)


def facts(resource: Resource) -> Resource:
    """A resource without what is said about it: version, tags, profiles, narrative."""
    return {k: v for k, v in resource.items() if k not in ("meta", "text")}
