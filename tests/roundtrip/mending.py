"""Made resources without what validation finds fault with: the product says itself what it accepts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mappers.validation import Issue, validate
from terminology import definitions

Json = dict[str, Any]
Steps = list[str | int]
_ROUNDS = 25
_STEP = re.compile(r"([A-Za-z]+)(?:\.ofType\((\w+)\))?(?:\[(\d+)\])?")


def mended(resource: Json) -> Json | None:
    """The resource without the elements that are at fault; None if that doesn't do."""
    for _ in range(_ROUNDS):
        wrong = [i for i in validate(resource, resource["resourceType"]) if i.severity in ("error", "fatal")]
        if not wrong:
            return resource
        if not _without(resource, wrong[-1]):
            return None
    return None


def _without(resource: Json, issue: Issue) -> bool:
    """Takes away the element at fault, and what is empty without it; False where nothing can be taken."""
    steps = _steps(issue.expression)
    if issue.diagnostics.startswith("sqty-1"):
        steps.append("comparator")
    while steps and _at(resource, steps) is None and _at(resource, _beside(steps)) is None:
        steps = steps[:-1]
    if not steps:
        return _without_one_named(resource, issue.diagnostics.partition(":")[0])
    for each in (steps, _beside(steps)):
        _take(resource, each)
    parent = steps[:-1]
    if parent and not _at(resource, parent):
        _take(resource, parent)
    return True


def _without_one_named(resource: Json, key: str) -> bool:
    """Takes away an element that an invariant of the whole resource speaks of."""
    kind = resource["resourceType"]
    told = "".join(one.expression for one in definitions.invariants(kind) if one.key == key)
    names = set(re.findall(r"[a-z]\w+", told))
    mandatory = {n.removesuffix("[x]") for n in definitions.mandatory_elements(kind)}
    for name in reversed(resource):
        stem = re.split("[A-Z]", name)[0]
        if names & {name, stem} and name not in mandatory:
            del resource[name]
            return True
    return False


def _beside(steps: Steps) -> Steps:
    """The same place behind `_name`."""
    place = max(i for i, step in enumerate(steps) if isinstance(step, str))
    return [*steps[:place], f"_{steps[place]}", *steps[place + 1 :]]


def _steps(expression: str) -> Steps:
    found: Steps = []
    for name, type_, index in _STEP.findall(expression.partition(".")[2]):
        found.append(name + type_[:1].upper() + type_[1:])
        if index:
            found.append(int(index))
    return found


def _at(value: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and step < len(value) else None
    return value


def _take(resource: Json, steps: Sequence[str | int]) -> None:
    *front, last = steps
    holder = _at(resource, front)
    if isinstance(last, str) and isinstance(holder, dict):
        holder.pop(last, None)
    elif isinstance(last, int) and isinstance(holder, list) and last < len(holder):
        del holder[last]
        if not holder:
            _take(resource, front)
