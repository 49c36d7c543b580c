"""The filters of a value set's include: which concepts of a code system they select.

https://hl7.org/fhir/R4/valueset-filter-operator.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from terminology.service.content import Concept, Content, value_of
from terminology.service.source import TerminologyFault

Selects = Callable[[Concept], bool]
#: properties that stand for the concept itself
_ITSELF = ("concept", "code")
#: the longest pattern, and how often it may repeat something without end: more may take for ever
_LONGEST, _MOST_REPEATS = 200, 3
_REPEATS = re.compile(r"[*+]|\{\d*,\d*\}")
_REPEATED_GROUP = re.compile(r"\)[*+{]")


def selects(content: Content, stated: dict[str, Any]) -> Selects:
    """What one filter asks of a concept; raises TerminologyFault for one that can't be asked here."""
    name, operation, value = stated.get("property", ""), stated.get("op", ""), str(stated.get("value", ""))
    if operation in _HIERARCHY and name in (*_ITSELF, "parent", "child"):
        return _by_hierarchy(content, operation, value)
    asked = _OPERATIONS.get(operation)
    if asked is None:
        raise TerminologyFault(
            "not-supported", f"the filter operator {operation[:40]!r} is not supported here"
        )
    test = asked(value)
    return lambda concept: test(values(content, concept, name))


def values(content: Content, concept: Concept, name: str) -> list[str]:
    """The values that a concept has of a property."""
    if name in _ITSELF:
        return [concept.code]
    if name == "display":
        return [concept.display]
    if name == "parent":
        return list(concept.parents)
    if name == "child":
        return content.children.get(concept.code, [])
    found = (value_of(one) for one in concept.defined.get("property", ()) if one["code"] == name)
    return [_text(one) for one in found if one is not None]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("code", ""))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _by_hierarchy(content: Content, operation: str, value: str) -> Selects:
    if not content.has_kinds:
        raise TerminologyFault("not-supported", f"{content.url} has no hierarchy of kinds")
    if content.get(value) is None:
        raise TerminologyFault("not-found", f"{content.url} has no code that is filtered by here")
    found = _HIERARCHY[operation](content, value)
    return (lambda c: c.code not in found) if operation == "is-not-a" else lambda c: c.code in found


_HIERARCHY: dict[str, Callable[[Content, str], frozenset[str]]] = {
    "is-a": lambda content, code: content.below(code) | {code},
    "is-not-a": lambda content, code: content.below(code) | {code},
    "descendent-of": lambda content, code: content.below(code),
    "generalizes": lambda content, code: content.above(code) | {code},
}


def _pattern(value: str) -> re.Pattern[str]:
    endless = len(_REPEATS.findall(value)) > _MOST_REPEATS or _REPEATED_GROUP.search(value)
    if len(value) > _LONGEST or endless:
        raise TerminologyFault("too-costly", "the regular expression of a filter is too costly")
    try:
        return re.compile(value)
    except re.error:
        raise TerminologyFault("invalid", "the regular expression of a filter can't be read", 400) from None


def _matching(value: str) -> Callable[[list[str]], bool]:
    pattern = _pattern(value)
    return lambda found: any(pattern.fullmatch(one) for one in found)


def _among(value: str) -> frozenset[str]:
    return frozenset(one.strip() for one in value.split(","))


_OPERATIONS: dict[str, Callable[[str], Callable[[list[str]], bool]]] = {
    "=": lambda value: lambda found: value in found,
    "in": lambda value: lambda found: bool(_among(value).intersection(found)),
    "not-in": lambda value: lambda found: not _among(value).intersection(found),
    "regex": _matching,
    "exists": lambda value: lambda found: bool(found) is (value == "true"),
}
