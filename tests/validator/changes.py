"""Resources with one thing changed, to see whether the validator notices."""

from copy import deepcopy
from typing import Any


def without(resource: dict[str, Any], path: str) -> dict[str, Any]:
    """A copy that lacks what the path (`name.0.text`) leads to."""
    changed = deepcopy(resource)
    holder, last = _holder(changed, path)
    del holder[last]
    return changed


def replaced(resource: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy with the value at the path."""
    changed = deepcopy(resource)
    holder, last = _holder(changed, path)
    holder[last] = value
    return changed


def _holder(resource: Any, path: str) -> tuple[Any, Any]:
    """What holds the path's last step, and that step: a name, or an index into a list."""
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    for step in steps:
        resource = resource[step]
    return resource, last
