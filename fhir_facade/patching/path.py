"""The simple FHIRPath that a patch may use, in steps. https://hl7.org/fhir/R4/fhirpath.html#simple"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 500
FUNCTIONS = ("where", "first", "last", "single", "ofType", "extension")
_STEP = re.compile(r"(?P<name>[A-Za-z_%][A-Za-z0-9_]*|`[A-Za-z0-9_]+`)|\[(?P<index>\d{1,6})\]")
_TEXT = re.compile(r"'(?:[^'\\]|\\.)*'")
#: what could take long or ask elsewhere, in a condition that a client wrote
_COSTLY = re.compile(r"\b(matches|replaceMatches|repeat|resolve|memberOf|trace|descendants)\b")


class PathFault(ValueError):
    """A path that a patch can't use; the text says why."""


@dataclass(frozen=True)
class Step:
    """An element's name; `[n]` with its `index`; or a function with its `argument` as text."""

    name: str
    index: int | None = None
    argument: str | None = None

    @property
    def is_function(self) -> bool:
        """Whether it is a call."""
        return self.argument is not None


def steps(text: str) -> list[Step]:
    """`Patient.name.where(use='official').given[0]` as its steps; raises PathFault."""
    if not text or len(text) > LONGEST:
        raise PathFault(f"a path is 1 to {LONGEST} characters")
    found: list[Step] = []
    place = 0
    while place < len(text):
        if found and text[place] == ".":
            place += 1
        elif found and text[place] != "[":
            raise PathFault("the path is not a simple FHIRPath")
        step, place = _step(text, place)
        found.append(step)
    return found


def _step(text: str, place: int) -> tuple[Step, int]:
    match = _STEP.match(text, place)
    if match is None:
        raise PathFault("the path is not a simple FHIRPath")
    place = match.end()
    if match["index"] is not None:
        return Step("[]", index=int(match["index"])), place
    name = match["name"].strip("`")
    if text[place : place + 1] != "(":
        return Step(name), place
    end = _closing(text, place)
    return _function(name, text[place + 1 : end].strip()), end + 1


def _closing(text: str, place: int) -> int:
    """Where the bracket that opens at `place` is closed."""
    depth = 0
    while place < len(text):
        if quoted := _TEXT.match(text, place):
            place = quoted.end()
            continue
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place
        place += 1
    raise PathFault("a bracket of the path is not closed")


def _function(name: str, argument: str) -> Step:
    if name not in FUNCTIONS:
        raise PathFault(f"a path may use {', '.join(FUNCTIONS)} and [n]")
    if bool(argument) == (name in ("first", "last", "single")):
        raise PathFault(f"{name}() {'takes no' if argument else 'needs an'} argument")
    if _COSTLY.search(argument):
        raise PathFault("the path's condition uses a function that patches may not")
    return Step(name, argument=argument)
