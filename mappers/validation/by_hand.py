"""Invariants that are not asked by FHIRPath here; `invariants.csv` says why for each.

Each takes the element, %resource and %rootResource, and says whether the element keeps to the rule. What has
the wrong JSON type is reported elsewhere: a rule may raise on it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from mappers.validation.moments import is_after
from mappers.validation.targets import contained_types, type_of
from terminology.ucum import convertible

Json = dict[str, Any]
Hand = Callable[[Any, Json, Json], bool]


@cache
def reasons() -> dict[str, tuple[str, str]]:
    """Key → (where it is asked, why not by FHIRPath)."""
    text = files("mappers.validation").joinpath("invariants.csv").read_text(encoding="utf-8")
    return {row["key"]: (row["where"], row["reason"]) for row in csv.DictReader(text.splitlines())}


def texts(value: Any) -> Iterator[tuple[str, str]]:
    """(name, text) of every string at any depth; the names of arrays are those of their strings."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        name, found = waiting.pop()
        if isinstance(found, dict):
            waiting.extend(found.items())
        elif isinstance(found, list):
            waiting.extend((name, one) for one in found)
        elif isinstance(found, str):
            yield name, found


def _objects(value: Any, name: str) -> Iterator[Json]:
    """Every object below that stands in an element of this name, at any depth."""
    waiting: list[Any] = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, list):
            waiting.extend(found)
        elif isinstance(found, dict):
            waiting.extend(found.values())
            yield from (one for one in found.get(name, ()) if isinstance(one, dict))


def _distinct(values: Iterable[Any]) -> bool:
    listed = list(values)
    return len(listed) == len(set(listed))


def _contained_is_referenced(value: Json, _: Json, __: Json) -> bool:
    """dom-3: referenced from outside, or itself pointing to what contains it."""
    contained = value.get("contained")
    if not contained:
        return True
    named = {text for _, text in texts(value) if text.startswith("#")}
    return all(
        f"#{one.get('id')}" in named or any(text == "#" for name, text in texts(one)) for one in contained
    )


def _starts_before_end(value: Json, _: Json, __: Json) -> bool:
    return not is_after(value.get("start"), value.get("end"))


def _low_before_high(value: Json, _: Json, __: Json) -> bool:
    """rng-2, where both are in one unit or in units that convert."""
    low, high = value.get("low", {}), value.get("high", {})
    least, most = low.get("value"), high.get("value")
    if least is None or most is None:
        return True
    code, other = (one.get("code", one.get("unit")) for one in (low, high))
    if code == other:
        return bool(least <= most)
    same = (one for one in convertible(str(code)) if one.code == other)
    return all(one.apply(Decimal(least)) <= Decimal(most) for one in same)


def _entries_have(name: str, *types: str) -> Hand:
    """bdl-3, bdl-4: every entry has the element in these types of Bundle, and none has it in others."""

    def holds(value: Json, _: Json, __: Json) -> bool:
        expected = value.get("type") in types
        return all((name in entry) == expected for entry in value.get("entry", ()))

    return holds


def _full_url_has_no_version(value: Json, _: Json, __: Json) -> bool:
    """bdl-8."""
    return "/_history/" not in value.get("fullUrl", "")


def _full_urls_are_distinct(value: Json, _: Json, __: Json) -> bool:
    """bdl-7: with their version, and not in a history."""
    return value.get("type") == "history" or _distinct(
        (entry["fullUrl"], entry.get("resource", {}).get("meta", {}).get("versionId", ""))
        for entry in value.get("entry", ())
        if "fullUrl" in entry
    )


def _codes_are_distinct(value: Json, _: Json, __: Json) -> bool:
    """csd-1."""
    return _distinct(one["code"] for one in _objects(value, "concept") if "code" in one)


def _links_are_distinct(value: Json, _: Json, __: Json) -> bool:
    """que-2."""
    return _distinct(one["linkId"] for one in _objects(value, "item") if "linkId" in one)


def _on_behalf_of_practitioner(value: Json, _: Json, root: Json) -> bool:
    """ctm-1, as far as the reference itself tells what the member is."""
    literal = value.get("member", {}).get("reference", "")
    if "onBehalfOf" not in value:
        return True
    if literal.startswith("#"):
        return contained_types(root).get(literal[1:], "Practitioner") == "Practitioner"
    return type_of(literal) in (None, "Practitioner")


def _exists_is_answered_by_boolean(value: Json, _: Json, __: Json) -> bool:
    """que-7."""
    return value.get("operator") != "exists" or "answerBoolean" in value


def _handed_over_after_prepared(value: Json, _: Json, __: Json) -> bool:
    return not is_after(value.get("whenPrepared"), value.get("whenHandedOver"))


def _modified_after_authored(value: Json, _: Json, __: Json) -> bool:
    return not is_after(value.get("authoredOn"), value.get("lastModified"))


def _probability_is_percentage(value: Json, _: Json, __: Json) -> bool:
    return "probabilityDecimal" not in value or bool(value["probabilityDecimal"] <= 100)


RULES: dict[str, Hand] = {
    "dom-3": _contained_is_referenced,
    "per-1": _starts_before_end,
    "rng-2": _low_before_high,
    "mdd-1": _handed_over_after_prepared,
    "Task inv-1": _modified_after_authored,
    "bdl-3": _entries_have("request", "batch", "transaction", "history"),
    "bdl-4": _entries_have("response", "batch-response", "transaction-response", "history"),
    "bdl-8": _full_url_has_no_version,
    "bdl-7": _full_urls_are_distinct,
    "csd-1": _codes_are_distinct,
    "que-2": _links_are_distinct,
    "que-7": _exists_is_answered_by_boolean,
    "ctm-1": _on_behalf_of_practitioner,
    "ras-2": _probability_is_percentage,
}
